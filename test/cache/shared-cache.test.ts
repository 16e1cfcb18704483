import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import { type SharedCache, sharedCache } from '../../src/cache/shared-cache.ts';
import { readSources } from '../../src/observe/sources.ts';
import { holdingsReturnTo, settledHoldings } from '../support/holdings.ts';

const MiB = 1024 ** 2;

/** Some members of one cache, in this process. */
class Company {
  readonly name = `test-${randomBytes(8).toString('hex')}`;
  readonly members: SharedCache[] = [];

  async join(options: object = {}): Promise<SharedCache> {
    const member = sharedCache(this.name, { budget: 8 * MiB, govern: false, ...options });
    this.members.push(member);
    await member.ready();
    return member;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of this.members) await member.close();
  }
}

function text(value: unknown): unknown {
  if (!Aggregate.isAggregate(value)) return value;
  const bytes = value.toString('latin1');
  value.release();
  return { bytes };
}

/**
 * Asks for a value whose maker takes a version when it begins, and comes to its end when it is told to.
 * @returns when it has begun, or somebody else is waited for
 */
async function beginToMake(
  { member, key }: { member: SharedCache; key: string },
  version: () => number,
): Promise<{ readonly open: () => void; readonly value: Promise<unknown> }> {
  let open = (): void => {};
  const gate = new Promise<void>(resolve => {
    open = resolve;
  });
  const value = member.getOrSet(
    key,
    async () => {
      const made = version();
      await gate;
      return made;
    },
    { tags: [key] },
  );
  // By then it has been asked for: questions of one process come in order.
  await member.totals();
  return { open, value };
}

describe('sharedCache', () => {
  test('gives each kind of value back, in the owner and elsewhere', async () => {
    await using company = new Company();
    const owner = await company.join();
    const other = await company.join();
    assert.deepEqual([owner.role, other.role], ['owner', 'attached']);
    using pool = createPool();
    using aggregate = pool.from('an aggregate');
    const heap = createPool({ memory: 'heap' });
    using onHeap = heap.from('on the heap');
    const values: [put: never, found: unknown][] = [
      ['text', 'text'],
      ['', ''],
      [{ deep: [1, null, { x: true }] }, { deep: [1, null, { x: true }] }],
      [null, null],
      [0, 0],
      [Buffer.from('bytes'), { bytes: 'bytes' }],
      [new Uint8Array(0), { bytes: '' }],
      [aggregate, { bytes: 'an aggregate' }],
      [onHeap, { bytes: 'on the heap' }],
    ] as never;
    for (const [index, [put, found]] of values.entries()) {
      for (const from of [owner, other]) {
        assert.equal(await from.set(`${index}`, put), true);
        for (const to of [owner, other]) assert.deepEqual(text(await to.get(`${index}`)), found);
        assert.deepEqual(text(other.peek(`${index}`)), found);
      }
    }
    const json = (await other.get('2')) as { deep: unknown[] };
    assert.ok(Object.isFrozen(json) && Object.isFrozen(json.deep));
    assert.equal(await other.get('2'), json);
    heap.close();
  });

  test('forgets by key, tag and prefix, and by time', async () => {
    await using company = new Company();
    const owner = await company.join();
    const other = await company.join();
    for (const key of ['a/1', 'a/2', 'b/1', 'b/2'])
      await other.set(key, key, { tags: [key.slice(2), 'all'] });
    assert.equal(await owner.get('a/1'), 'a/1');
    assert.equal(await other.delete('a/1'), true);
    assert.equal(await other.delete('a/1'), false);
    assert.deepEqual(
      [await owner.get('a/1'), owner.peek('a/1'), other.peek('a/1')],
      [undefined, undefined, undefined],
    );
    assert.equal(await owner.invalidate({ tags: ['2'] }), 2);
    assert.deepEqual(await other.keys(), [['b/1', 3]]);
    assert.equal(await other.invalidate({ prefix: 'b' }), 1);
    assert.deepEqual(await owner.keys(), []);
    await other.set('soon over', 1, { ttl: 30 });
    assert.equal(await owner.get('soon over'), 1);
    while ((await other.get('soon over')) !== undefined) await new Promise(resolve => setTimeout(resolve, 5));
    assert.equal(await owner.get('soon over'), undefined);
    assert.equal(await owner.has('soon over'), false);
  });

  test('gives what is stale to who may have it made anew', async () => {
    await using company = new Company();
    const owner = await company.join();
    const other = await company.join();
    await owner.set('k', 'old', { ttl: 0, staleWhileRevalidate: 60_000 });
    assert.equal(await other.get('k'), undefined);
    let times = 0;
    const make = async () => `new ${++times}`;
    assert.equal(await other.getOrSet('k', make), 'old');
    while ((await other.get('k')) === undefined) await setImmediate();
    assert.equal(await owner.get('k'), 'new 1');
    assert.equal(await other.getOrSet('k', make), 'new 1');
  });

  test('is like a map, whoever does what', async () => {
    await using company = new Company();
    for (let count = 0; count < 3; count++) await company.join();
    const { members } = company;
    const key = fc.constantFrom('a', 'b', 'c', 'ab', '');
    const who = fc.nat(2);
    const step = fc.oneof(
      fc.record({
        act: fc.constant('set' as const),
        who,
        key,
        length: fc.constantFrom(0, 1, 5, 3000, 300_000),
      }),
      fc.record({ act: fc.constant('get' as const), who, key }),
      fc.record({ act: fc.constant('delete' as const), who, key }),
      fc.record({ act: fc.constant('prefix' as const), who, key }),
      fc.record({ act: fc.constant('make' as const), who, key }),
    );
    let count = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async steps => {
        const model = new Map<string, string>();
        await members[0]?.invalidate({ prefix: '' });
        for (const taken of steps) {
          const member = members[taken.who] as SharedCache;
          count += 1;
          if (taken.act === 'set') {
            const value = `${count}`.padEnd(taken.length, 'x').slice(0, taken.length);
            assert.equal(await member.set(taken.key, count % 2 ? value : Buffer.from(value)), true);
            model.set(taken.key, value);
          } else if (taken.act === 'delete') {
            assert.equal(await member.delete(taken.key), model.delete(taken.key));
          } else if (taken.act === 'prefix') {
            const named = [...model.keys()].filter(each => each.startsWith(taken.key));
            assert.equal(await member.invalidate({ prefix: taken.key }), named.length);
            for (const each of named) model.delete(each);
          } else if (taken.act === 'make') {
            const value = await member.getOrSet(taken.key, () => `made ${count}`);
            if (!model.has(taken.key)) model.set(taken.key, `made ${count}`);
            assert.equal(value === undefined ? undefined : String(value), model.get(taken.key));
            if (Aggregate.isAggregate(value)) value.release();
          } else {
            const value = await member.get(taken.key);
            assert.equal(value === undefined ? undefined : String(value), model.get(taken.key));
            if (Aggregate.isAggregate(value)) value.release();
          }
        }
        const keys = (await members[2]?.keys()) ?? [];
        assert.deepEqual(keys.map(([each]) => each).sort(), [...model.keys()].sort());
      }),
      { numRuns: 300 },
    );
  });

  test('does not keep what has no room, nor what was before it', async () => {
    await using company = new Company();
    const owner = await company.join({ budget: 2 * MiB });
    const other = await company.join({ budget: 2 * MiB });
    await other.set('k', 'small');
    assert.equal(await other.set('k', Buffer.alloc(3 * MiB)), false);
    assert.equal(await owner.get('k'), undefined);
    assert.equal(await other.get('k'), undefined);
    const made = (await other.getOrSet('k', () => Buffer.alloc(3 * MiB, 1))) as Aggregate;
    assert.equal(made.length, 3 * MiB);
    made.release();
    for (let index = 0; index < 100; index++) await other.set(`${index}`, Buffer.alloc(100_000));
    const { bytes, entries } = owner.stats();
    assert.ok(bytes <= 2 * MiB && entries > 0);
  });

  test('keeps nothing that was made of what is over by then', async () => {
    await using company = new Company();
    const owner = await company.join();
    const other = await company.join();
    for (const outdate of [
      () => owner.delete('k'),
      () => other.invalidate({ tags: ['t'] }),
      () => other.invalidate({ prefix: 'k' }),
      () => owner.set('k', 'set'),
      // Of tags that it does not have, which nobody but its maker knows.
      () => other.invalidate({ tags: ['of others'] }).then(() => owner.set('k', 'set')),
      () => other.invalidate({ tags: ['of others'] }).then(() => other.delete('k')),
    ]) {
      const value = await other.getOrSet(
        'k',
        async () => {
          await outdate();
          return 'made before';
        },
        { tags: ['t'] },
      );
      assert.equal(value, 'made before');
      assert.notEqual(await owner.get('k'), 'made before');
      await owner.delete('k');
    }
  });

  test('gives nothing that is older than a change, in whatever order makers come to their ends', async () => {
    await using company = new Company();
    const members = [await company.join(), await company.join(), await company.join()];
    const member = fc.constantFrom(...members);
    const key = fc.constantFrom('a', 'b');
    const step = fc.oneof(
      fc.record({ act: fc.constant('make' as const), member, key }),
      fc.record({ act: fc.constant('finish' as const), place: fc.nat() }),
      fc.record({ act: fc.constantFrom('set' as const, 'delete', 'invalidate'), member, key }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 24, size: 'max' }), async steps => {
        const makers: Awaited<ReturnType<typeof beginToMake>>[] = [];
        const values: Promise<unknown>[] = [];
        const floors = new Map<string, number>();
        let version = 0;
        const change = async (changed: string, act: (next: number) => Promise<unknown>): Promise<void> => {
          version += 1;
          const next = version;
          await act(next);
          floors.set(changed, next);
        };
        try {
          for (const each of steps) {
            if (each.act === 'finish') {
              makers.splice(each.place % (makers.length + 1), 1)[0]?.open();
              // What it gives is on its way after a turn, and taken when later questions are answered.
              await setImmediate();
              for (const each of members) await each.totals();
            } else if (each.act === 'make') {
              const maker = await beginToMake(each, () => version);
              makers.push(maker);
              values.push(maker.value);
            } else {
              const { act, member: by, key: changed } = each;
              await change(changed, next => {
                if (act === 'set') return by.set(changed, next, { tags: [changed] });
                return act === 'delete' ? by.delete(changed) : by.invalidate({ tags: [changed] });
              });
            }
            for (const [changed, floor] of floors) {
              const found = await (members[version % members.length] as SharedCache).get(changed);
              assert.ok(found === undefined || Number(found) >= floor, `${changed}: ${found} after ${floor}`);
            }
          }
        } finally {
          for (const { open } of makers) open();
          await Promise.all(values);
        }
        for (const changed of ['a', 'b'])
          await change(changed, () => (members[0] as SharedCache).delete(changed));
      }),
      { numRuns: 60 },
    );
  });

  test('refuses what cannot be', async () => {
    await using company = new Company();
    const cache = await company.join();
    const bad: [what: () => unknown, code: string][] = [
      [() => sharedCache(''), 'ERR_IOLITE_RANGE'],
      [() => sharedCache(1 as never), 'ERR_IOLITE_ARGUMENT'],
      [() => sharedCache('x', { budged: 1 } as never), 'ERR_IOLITE_ARGUMENT'],
      [() => sharedCache('x', { budget: -1 }), 'ERR_IOLITE_RANGE'],
      [() => sharedCache('x', { policy: 'best' as never }), 'ERR_IOLITE_ARGUMENT'],
      [() => cache.get(1 as never), 'ERR_IOLITE_ARGUMENT'],
      [() => cache.get('k'.repeat(65_536)), 'ERR_IOLITE_RANGE'],
      [() => cache.set('k', undefined as never), 'ERR_IOLITE_ARGUMENT'],
      [() => cache.set('k', (() => {}) as never), 'ERR_IOLITE_ARGUMENT'],
      [() => cache.set('k', 1n as never), 'ERR_IOLITE_ARGUMENT'],
      [() => cache.set('k', 1, { ttl: -1 }), 'ERR_IOLITE_RANGE'],
      [() => cache.set('k', 1, { time: 1 } as never), 'ERR_IOLITE_ARGUMENT'],
      [() => cache.set('k', 1, { tags: [''] }), 'ERR_IOLITE_ARGUMENT'],
      [() => cache.invalidate({}), 'ERR_IOLITE_ARGUMENT'],
      [() => cache.invalidate({ tag: ['t'] } as never), 'ERR_IOLITE_ARGUMENT'],
      [() => cache.getOrSet('k', 1 as never), 'ERR_IOLITE_ARGUMENT'],
      [() => cache.getOrSet('k', () => undefined as never), 'ERR_IOLITE_ARGUMENT'],
      [() => cache.getOrSet('k', () => new Promise<string>(() => {}), { timeout: 20 }), 'ERR_IOLITE_TIMEOUT'],
    ];
    for (const [what, code] of bad) await assert.rejects(async () => what(), { code });
    await cache.close();
    for (const what of [() => cache.get('k'), () => cache.set('k', 1), () => cache.keys()])
      await assert.rejects(async () => what(), { code: 'ERR_IOLITE_CLOSED' });
  });

  test('leaves nothing behind', async () => {
    const before = await settledHoldings();
    {
      await using company = new Company();
      await company.join();
      const other = await company.join();
      for (let index = 0; index < 50; index++) await other.set(`${index}`, Buffer.alloc(50_000));
      for (let index = 0; index < 50; index++) text(await other.get(`${index}`));
    }
    await holdingsReturnTo(before);
  });
});

describe('what was attacked', () => {
  test('text that is not well-formed and JSON that is deep come back as they were', async () => {
    await using cache = sharedCache(`test-${randomBytes(8).toString('hex')}`, { govern: false });
    await cache.set('half', 'a\ud800b');
    assert.equal(await cache.get('half'), 'a\ud800b');
    let deep: unknown = 1;
    for (let depth = 0; depth < 4000; depth++) deep = [deep];
    await cache.set('deep', deep as never);
    let found: unknown = await cache.get('deep');
    let depth = 0;
    for (; Array.isArray(found); depth++) found = found[0];
    assert.deepEqual([depth, found], [4000, 1]);
  });

  test('who leaves while it attaches is gone', async () => {
    const name = `test-${randomBytes(8).toString('hex')}`;
    await using owner = sharedCache(name, { govern: false });
    await owner.ready();
    for (let index = 0; index < 30; index++) {
      const member = sharedCache(name, { govern: false });
      // Each at another step.
      for (let turns = 0; turns < index; turns++) await setImmediate();
      await member.close();
    }
    for (let asked = 0; (await owner.totals()).attached > 0; asked++) {
      assert.ok(asked < 1000);
      await setImmediate();
    }
  });

  test('who gives up leaves what he has claimed to others', async () => {
    const name = `test-${randomBytes(8).toString('hex')}`;
    await using owner = sharedCache(name, { govern: false });
    await owner.ready();
    await using other = sharedCache(name, { govern: false });
    await other.ready();
    for (let turns = 0; turns < 12; turns++) {
      const key = `${turns}`;
      const giving = new AbortController();
      const given = other.getOrSet(key, () => 'made', { signal: giving.signal });
      // Each at another step of the question and its answer.
      for (let turn = 0; turn < turns; turn++) await setImmediate();
      giving.abort();
      await given.catch(() => {});
      assert.ok(['made', 'by the owner'].includes(String(await owner.getOrSet(key, () => 'by the owner'))));
    }
  });

  test('it tells of itself in metrics', async () => {
    await using cache = sharedCache(`test-${randomBytes(8).toString('hex')}`, { govern: false });
    await cache.set('k', 1);
    await cache.get('k');
    await cache.get('none');
    const told = readSources().get('cache') ?? [];
    const own = told.filter(({ labels }) => labels.content === 'values').map(({ figures }) => figures);
    assert.ok(own.some(({ entries, hits, misses }) => entries === 1 && hits === 1 && misses === 1));
  });
});
