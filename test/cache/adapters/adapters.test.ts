import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { createCache } from 'cache-manager';
import Keyv from 'keyv';
import { createStorage } from 'unstorage';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { keyvStore } from '../../../src/cache/adapters/keyv-store.ts';
import { SharedLRUCache } from '../../../src/cache/adapters/shared-lru-cache.ts';
import { unstorageDriver } from '../../../src/cache/adapters/unstorage-driver.ts';
import { type SharedCache, sharedCache } from '../../../src/cache/shared-cache.ts';

const MiB = 1024 ** 2;
const newName = () => `test-${randomBytes(8).toString('hex')}`;

/** Two members of one cache. */
async function pair(): Promise<[owner: SharedCache, other: SharedCache]> {
  const name = newName();
  const owner = sharedCache(name, { budget: 8 * MiB, govern: false });
  await owner.ready();
  const other = sharedCache(name, { budget: 8 * MiB, govern: false });
  await other.ready();
  return [owner, other];
}

describe('adapters of a shared cache', () => {
  test('Keyv keeps, finds and clears by namespace in it', async () => {
    const [owner, other] = await pair();
    const [one, two] = [owner, other].map(
      cache => new Keyv({ store: keyvStore(cache), namespace: 'one' }),
    ) as [Keyv, Keyv];
    const apart = new Keyv({ store: keyvStore(owner), namespace: 'apart' });
    assert.equal(await one.set('k', { a: [1] }), true);
    await apart.set('k', 'apart');
    assert.deepEqual(await two.get('k'), { a: [1] });
    assert.deepEqual(await two.getMany(['k', 'none']), [{ a: [1] }, undefined]);
    assert.equal(await two.has('k'), true);
    await two.set('soon over', 1, 20);
    while ((await one.get('soon over')) !== undefined) await new Promise(resolve => setTimeout(resolve, 5));
    const found: unknown[] = [];
    for await (const each of one.iterator?.('one') ?? []) found.push(each);
    assert.deepEqual(found, [['k', { a: [1] }]]);
    await two.clear();
    assert.equal(await one.get('k'), undefined);
    assert.equal(await apart.get('k'), 'apart');
    assert.equal(await apart.delete('k'), true);
    assert.equal(await apart.delete('k'), false);
    await owner.close();
    await other.close();
  });

  test('cache-manager wraps with it', async () => {
    const [owner, other] = await pair();
    const [one, two] = [owner, other].map(cache =>
      createCache({ stores: [new Keyv({ store: keyvStore(cache) })] }),
    );
    let times = 0;
    const make = async () => ({ times: ++times });
    assert.deepEqual(await one?.wrap('k', make, 60_000), { times: 1 });
    assert.deepEqual(await two?.wrap('k', make, 60_000), { times: 1 });
    await two?.del('k');
    assert.deepEqual(await one?.wrap('k', make, 60_000), { times: 2 });
    await owner.close();
    await other.close();
  });

  test('unstorage stores in it', async () => {
    const [owner, other] = await pair();
    const [one, two] = [owner, other].map(cache => createStorage({ driver: unstorageDriver(cache) }));
    await one?.setItem('a:b', { deep: true });
    await one?.setItemRaw('a:raw', Buffer.from([0, 255]));
    assert.deepEqual(await two?.getItem('a:b'), { deep: true });
    assert.deepEqual(await two?.getItemRaw('a:raw'), Buffer.from([0, 255]));
    assert.equal(await two?.hasItem('a:none'), false);
    assert.equal(await two?.getItem('a:none'), null);
    assert.deepEqual((await two?.getKeys('a'))?.sort(), ['a:b', 'a:raw']);
    await two?.removeItem('a:b');
    assert.deepEqual(await one?.getKeys(), ['a:raw']);
    await two?.clear();
    assert.deepEqual(await one?.getKeys(), []);
    await owner.close();
    await other.close();
  });

  test('who has an lru-cache sees what he has set at once, and others a moment later', async () => {
    const name = newName();
    let times = 0;
    const options = { name, maxSize: 8 * MiB, fetchMethod: async (key: string) => `${key} ${++times}` };
    const one = new SharedLRUCache(options);
    await one.cache.ready();
    const two = new SharedLRUCache(options);
    await two.cache.ready();
    const given = { a: 1 };
    two.set('k', given).set('bytes', Buffer.from('bytes'));
    given.a = 2;
    const bytes = two.get('bytes');
    assert.ok(Aggregate.isAggregate(bytes));
    assert.equal(bytes.toString(), 'bytes');
    bytes.release();
    while (one.get('k') === undefined) await new Promise(resolve => setImmediate(resolve));
    assert.deepEqual(one.get('k'), { a: 1 });
    assert.equal(two.delete('k'), true);
    assert.deepEqual([two.get('k'), two.has('k'), two.peek('k')], [undefined, false, undefined]);
    while (one.has('k')) await new Promise(resolve => setImmediate(resolve));
    assert.deepEqual(await Promise.all([one.fetch('f'), two.fetch('f')]), ['f 1', 'f 1']);
    two.clear();
    while (one.size > 0) await new Promise(resolve => setImmediate(resolve));
    for (const bad of [1, { name, max: 5 }, { name, ttl: 0 }, { name, fetchMethod: 1 }])
      assert.throws(() => new SharedLRUCache(bad as never), { code: 'ERR_IOLITE_ARGUMENT' });
    await two.close();
    await one.close();
  });
});
