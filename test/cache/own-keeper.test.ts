import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import { now } from '../../src/base/clock.ts';
import { ignore } from '../../src/base/ignore.ts';
import { LostDomains } from '../../src/cache/members/lost-domains.ts';
import { OwnKeeper } from '../../src/cache/own-keeper.ts';
import { RemoteKeeper } from '../../src/cache/remote-keeper.ts';
import { areValueFacts, type ValueFacts } from '../../src/cache/value-facts.ts';
import { StoreIndex } from '../../src/store/attached/store-index.ts';
import { createPolicy } from '../../src/store/policies/index.ts';
import { ChannelPair } from '../support/channel-pair.ts';
import { watchdog } from '../support/watchdog.ts';

const MiB = 1024 ** 2;
const HOUR_MS = 3_600_000;

function keeperServing(...pairs: readonly ChannelPair[]): OwnKeeper {
  const keeper = new OwnKeeper({ budget: MiB, policy: createPolicy('lru', MiB), maxStale: HOUR_MS }, 0);
  for (const { near } of pairs) keeper.serve(near);
  return keeper;
}

async function breaking({ near, far }: ChannelPair): Promise<void> {
  const closed = once(near, 'close');
  far.destroy();
  await watchdog(closed, 'the channel to break');
}

test('a change is not over before who was given what was before has given it up', async () => {
  using pair = new ChannelPair();
  using pool = createPool();
  using content = pool.from('value');
  const keeper = keeperServing(pair);
  const ask = async (type: string): Promise<unknown> => {
    const { head, body } = await pair.far.request({ head: { type: `values.${type}`, key: 'k' } });
    body?.release();
    return head;
  };
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await setImmediate();
  };
  assert.equal(keeper.set('k', { kind: 'bytes' }, content), true, 'at once, where nobody has anything');
  await ask('attach');
  await ask('read');
  let isOver = false;
  const changed = Promise.resolve(keeper.set('k', { kind: 'bytes' }, content)).then(() => {
    isOver = true;
  });
  await turns();
  assert.equal(isOver, false, 'before it is told');
  assert.equal(((await ask('watch')) as { left: [string, number][] }).left[0]?.[0], 'k');
  await turns();
  assert.equal(isOver, false, 'before it has done so');
  ask('watch').catch(ignore);
  await watchdog(changed, 'the change to be over');
  keeper.close();
});

test('who lives and cannot be reached is waited for as long as it may find what was before', async () => {
  using pair = new ChannelPair();
  using pool = createPool();
  using content = pool.from('value');
  const keeper = keeperServing(pair);
  await keeper.set('k', { kind: 'bytes' }, content);
  const ask = (type: string) => pair.far.request({ head: { type: `values.${type}`, key: 'k' } });
  await ask('attach');
  (await ask('read')).body?.release();
  const isOver = [false, false];
  const set = (place: number): Promise<void> =>
    Promise.resolve(keeper.set('k', { kind: 'bytes' }, content)).then(() => {
      isOver[place] = true;
    });
  const before = set(0);
  await breaking(pair);
  const after = set(1);
  for (let turn = 0; turn < 20; turn++) await setImmediate();
  assert.deepEqual(isOver, [false, false]);
  keeper.close();
  await watchdog(Promise.all([before, after]), 'nobody to be waited for by who is closed');
});

test('who says that it finds nothing any more is not waited for', async () => {
  using pair = new ChannelPair();
  using pool = createPool();
  using content = pool.from('value');
  const keeper = keeperServing(pair);
  await keeper.set('k', { kind: 'bytes' }, content);
  const index = new StoreIndex<ValueFacts>('values', ignore, areValueFacts, false);
  await index.attach(pair.far);
  (await index.ask('k')).release();
  await watchdog(index.detach(), 'the owner to hear of it');
  await breaking(pair);
  assert.equal(keeper.set('k', { kind: 'bytes' }, content), true, 'at once');
  keeper.close();
});

test('who comes again by another channel does nothing by the one before', async () => {
  using before = new ChannelPair();
  using after = new ChannelPair();
  using other = new ChannelPair();
  const keeper = keeperServing(before, after, other);
  const join = ({ far }: ChannelPair, member: string) => new RemoteKeeper(far).join(member);
  await Promise.all([join(before, 'm'), join(other, 'another')]);
  await join(before, 'm');
  const closed = once(before.near, 'close');
  await join(after, 'm');
  await watchdog(closed, 'the channel before to be closed');
  const set = ({ far }: ChannelPair, key: string) =>
    new RemoteKeeper(far).set(key, { kind: 'bytes' }, Aggregate.empty());
  await assert.rejects(set(before, 'late'), { code: 'ERR_IOLITE_PEER' });
  assert.deepEqual(await Promise.all([set(after, 'a'), set(other, 'b')]), [true, true]);
  assert.deepEqual((await keeper.keys('')).map(([key]) => key).sort(), ['a', 'b']);
  // The number of one that has gone is free.
  await breaking(after);
  using again = new ChannelPair();
  keeper.serve(again.near);
  await join(again, 'm');
  keeper.close();
});

test('domains that are lost are waited for until they have ended, or what they were told has', async () => {
  const lost = new LostDomains();
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  lost.add(child.pid as number, now() + HOUR_MS);
  lost.add(process.pid, now() + 50);
  lost.add(process.pid, now() - 1);
  let isOver = false;
  const ended = lost.ended()?.then(() => {
    isOver = true;
  });
  for (let turn = 0; turn < 20; turn++) await setImmediate();
  assert.equal(isOver, false);
  child.kill('SIGKILL');
  await watchdog(ended as Promise<void>, 'all to have ended');
  assert.equal(lost.ended(), undefined);
});
