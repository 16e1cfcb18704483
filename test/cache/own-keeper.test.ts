import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createPool } from '../../src/aggregate/pool.ts';
import { ignore } from '../../src/base/ignore.ts';
import { OwnKeeper } from '../../src/cache/own-keeper.ts';
import { createPolicy } from '../../src/store/policies/index.ts';
import { ChannelPair } from '../support/channel-pair.ts';
import { watchdog } from '../support/watchdog.ts';

const MiB = 1024 ** 2;
const HOUR_MS = 3_600_000;

test('a change is not over before who was given what was before has given it up', async () => {
  using pair = new ChannelPair();
  using pool = createPool();
  using content = pool.from('value');
  const keeper = new OwnKeeper({ budget: MiB, policy: createPolicy('lru', MiB), maxStale: HOUR_MS }, 0);
  keeper.serve(pair.near);
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
