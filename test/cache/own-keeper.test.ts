import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import { now } from '../../src/base/clock.ts';
import { OwnKeeper } from '../../src/cache/own-keeper.ts';
import { RemoteKeeper } from '../../src/cache/remote-keeper.ts';
import type { ValueFacts } from '../../src/cache/value-facts.ts';
import { factsOfRecord } from '../../src/cache/value-records.ts';
import { DirectoryIndex } from '../../src/store/directory/directory-index.ts';
import { UNKNOWN } from '../../src/store/directory/directory-view.ts';
import { createPolicy } from '../../src/store/policies/index.ts';
import { StoredVersion } from '../../src/store/stored-version.ts';
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

async function attached({ far }: ChannelPair): Promise<DirectoryIndex<ValueFacts>> {
  const index = new DirectoryIndex<ValueFacts>('values', factsOfRecord);
  await index.attach(far);
  return index;
}

/** What an index finds without waiting; its text, where it is a version. */
function found(index: DirectoryIndex<ValueFacts>, key: string): unknown {
  const held = index.peek(key);
  return held instanceof StoredVersion ? held.content?.toString() : held;
}

test('a change is seen at once by who has heard nothing of it, and nobody is waited for', async () => {
  using pair = new ChannelPair();
  using pool = createPool();
  const keeper = keeperServing(pair);
  const set = (text: string): unknown => {
    using content = pool.from(text);
    return keeper.set('k', { kind: 'text' }, content);
  };
  assert.equal(set('before'), true);
  const index = await attached(pair);
  assert.equal(found(index, 'k'), UNKNOWN, 'its memory is not mapped yet');
  (await index.ask('k')).release();
  assert.equal(found(index, 'k'), 'before');
  // Without a turn between.
  assert.deepEqual([set('after'), found(index, 'k')], [true, 'after']);
  assert.equal(found(index, 'other'), undefined, 'that there is nothing is known as well');
  const gone = keeper.delete('k');
  assert.equal(found(index, 'k'), undefined);
  assert.equal(await gone, true);
  index.close();
  keeper.close();
});

test('what is in the cache only those learn who may have what is in its pool', () => {
  using pool = createPool({ name: 'ours', acl: { uids: [54_321], machines: ['b'] } });
  const options = { budget: MiB, policy: createPolicy('lru', MiB), maxStale: HOUR_MS, pool };
  const keeper = new OwnKeeper(options, 0);
  using directory = keeper.directory.share();
  const [slice] = directory?.slices() ?? [];
  assert.deepEqual(slice?.lease.chunk.acl, pool.chunks.acl);
  keeper.close();
});

test('who lives and cannot be reached sees changes, and who reads on after the end asks', async () => {
  using pair = new ChannelPair();
  using pool = createPool();
  using content = pool.from('before');
  using other = pool.from('after');
  const keeper = keeperServing(pair);
  await keeper.set('k', { kind: 'text' }, content);
  const index = await attached(pair);
  (await index.ask('k')).release();
  await breaking(pair);
  assert.equal(found(index, 'k'), 'before');
  assert.equal(keeper.set('k', { kind: 'text' }, other), true, 'at once');
  assert.equal(found(index, 'k'), 'after');
  keeper.directory.until = now();
  assert.equal(found(index, 'k'), UNKNOWN);
  await assert.rejects(index.ask('k'), { code: 'ERR_IOLITE_PEER' });
  index.close();
  keeper.close();
});

test('what an owner has said last is there when it has closed, until its end', async () => {
  using pair = new ChannelPair();
  using pool = createPool();
  using content = pool.from('kept');
  const keeper = keeperServing(pair);
  await keeper.set('k', { kind: 'text', tags: ['t'], ttl: HOUR_MS }, content);
  await keeper.set('gone', { kind: 'text' }, content);
  const index = await attached(pair);
  assert.deepEqual([...index.missing()].sort(), ['gone', 'k']);
  (await index.ask('k')).release();
  assert.deepEqual([...index.missing()], [], 'one chunk has both');
  await keeper.delete('gone');
  await breaking(pair);
  keeper.close();
  assert.equal(found(index, 'k'), 'kept');
  const left = [...index.ofFormerOwners()];
  assert.deepEqual(
    left.map(({ key, facts, content: bytes }) => [key, facts.kind, facts.tags, bytes?.toString()]),
    [['k', 'text', ['t'], 'kept']],
  );
  for (const held of left) held.release();
  index.close();
});

test('what is given up for what another process sets is used again', async () => {
  using pair = new ChannelPair();
  using pool = createPool();
  const keeper = keeperServing(pair);
  const remote = new RemoteKeeper(pair.far);
  for (let index = 0; index < 20; index++) {
    using content = pool.from(Buffer.alloc(1000, index));
    assert.equal(await remote.set(`${index}`, { kind: 'bytes' }, content), true);
  }
  const letGo = async (): Promise<void> => {
    while (pool.stats().bytesUsed > 0) await setImmediate();
  };
  await watchdog(letGo(), 'who was sent it to have let go of it');
  keeper.close();
});

test('who asks for what is no key, or reports what is no use, is told so', async () => {
  using pair = new ChannelPair();
  const keeper = keeperServing(pair);
  const ask = (type: string, rest: object) =>
    pair.far.request({ head: { type: `values.${type}`, ...rest } as never });
  await assert.rejects(ask('read', {}), { code: 'ERR_IOLITE_ARGUMENT' });
  await assert.rejects(ask('read', { key: 'nothing' }), { code: 'ENOENT' });
  for (const used of [undefined, 'x', [1], [[1, 0]], [[1, 'x']], [[1.5, 1]], new Array(5000).fill([1, 1])])
    await assert.rejects(ask('used', { used }), { code: 'ERR_IOLITE_ARGUMENT' });
  await ask('used', { used: [[1, 1]] });
  await assert.rejects(ask('replaced', {}), { code: 'ERR_IOLITE_ARGUMENT' });
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
