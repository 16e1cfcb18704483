import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { sharedCache } from '../../src/cache/shared-cache.ts';
import { ValueFollower } from '../../src/cache/value-follower.ts';
import { ToldLog } from '../store/support/told-log.ts';

test('what other machines forget is forgotten here, and what is forgotten here is told', async () => {
  const log = new ToldLog();
  const told: unknown[] = [];
  const other = new ValueFollower('other', log, async selector => told.push(selector));
  const budget = 16 * 1024 ** 2;
  await using cache = sharedCache(randomBytes(8).toString('hex'), { budget, cluster: { log } });
  for (const [key, tag] of [
    ['a1', 'x'],
    ['a2', 'y'],
    ['b1', 'y'],
  ] as const)
    await cache.set(key, key, { tags: [tag] });
  await log.tell('values', { tags: ['x'] });
  assert.deepEqual([await cache.get('a1'), await cache.get('a2')], [undefined, 'a2']);
  assert.equal(await cache.invalidate({ prefix: 'a' }), 1);
  assert.deepEqual(told, [{ tags: ['x'] }, { prefix: 'a' }]);
  assert.equal(await cache.get('b1'), 'b1');
  await log.lose();
  assert.equal(await cache.get('b1'), undefined);
  await cache.set('c', 'c');
  await log.tell('values', { dates: ['1999'] });
  assert.equal(await cache.get('c'), undefined);
  other.close();
  await cache.close();
  assert.equal(log.followers.size, 0);
});

test('what is no cluster is refused', () => {
  for (const cluster of [{}, 'shop'])
    assert.throws(() => sharedCache('a', { cluster } as never), { code: 'ERR_IOLITE_ARGUMENT' });
});
