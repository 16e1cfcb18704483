import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { IoliteError } from '../../../src/base/error.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { GuardedPolicy } from '../../../src/store/policies/guarded-policy.ts';
import { LeastRecentlyUsed } from '../../../src/store/policies/lru.ts';
import type { CacheEntry, CachePolicy } from '../../../src/store/policy.ts';
import { assertSameVictims, drive, operations } from '../../file/support/policy-driver.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

/** A policy that does as LRU does, but for some of its methods. */
function lruBut(faults: Partial<Record<keyof CachePolicy, unknown>>): CachePolicy {
  const lru = new LeastRecentlyUsed();
  return {
    name: 'faulty',
    added: entry => lru.added(entry),
    hit: entry => lru.hit(entry),
    removed: entry => lru.removed(entry),
    victim: eligible => lru.victim(eligible),
    ...faults,
  } as CachePolicy;
}

function fail(): never {
  throw new Error('a fault of the policy');
}

/** From the fourth call on. */
function later(fault: () => unknown): () => unknown {
  let calls = 0;
  return () => (++calls > 3 ? fault() : undefined);
}

const FAULTS: Record<string, () => Partial<Record<keyof CachePolicy, unknown>>> = {
  'throws when entries are added': () => ({ added: later(fail) }),
  'throws at hits': () => ({ hit: later(fail) }),
  'throws when entries are removed': () => ({ removed: later(fail) }),
  'throws when a victim is wanted': () => ({ victim: fail }),
  'names an entry of its own': () => ({ victim: () => ({ key: '1', size: 1 }) }),
  'names no entry': () => ({ victim: () => 'the largest' }),
  'names null': () => ({ victim: () => null }),
  'names nothing': () => ({ victim: () => undefined }),
  'keeps naming what is gone': () => {
    let first: CacheEntry | undefined;
    return {
      added: (entry: CacheEntry) => {
        first ??= entry;
      },
      victim: () => first,
    };
  },
  'throws when it is asked whether it admits': () => ({ admit: fail }),
  'does not say whether it admits': () => ({ admit: later(() => 1) }),
  'promises to admit': () => ({ admit: async () => false }),
  'is asynchronous': () => ({ hit: later(async () => fail()), victim: async () => fail() }),
};

for (const [what, fault] of Object.entries(FAULTS)) {
  test(`a policy that ${what} is reported once, and evictions go on by LRU`, () => {
    fc.assert(
      fc.property(operations, todo => {
        const reports: IoliteError[] = [];
        const policy = new GuardedPolicy(lruBut(fault()), error => reports.push(error));
        drive(policy, todo);
        assert(reports.length <= 1);
        assert(reports.every(({ code }) => code === 'ERR_IOLITE_POLICY'));
        assert.equal(policy.name, reports.length === 0 ? 'faulty' : 'lru');
      }),
      { numRuns: 50 },
    );
  });
}

test('a policy without faults decides', () => {
  assertSameVictims(
    () => new GuardedPolicy(lruBut({}), fail),
    () => new LeastRecentlyUsed(),
  );
});

test('what a policy does not admit stays out, and without admit() all comes in', () => {
  const asked: string[] = [];
  const admit = ({ key, size }: CacheEntry): boolean => {
    asked.push(`${key} of ${size}`);
    return size < 10;
  };
  const choosy = new GuardedPolicy(lruBut({ admit }), fail);
  assert.equal(choosy.admit({ key: 'a', size: 9 }), true);
  assert.equal(choosy.admit({ key: 'b', size: 10 }), false);
  assert.deepEqual(asked, ['a of 9', 'b of 10']);
  assert.equal(new GuardedPolicy(lruBut({}), fail).admit({ key: 'b', size: 10 }), true);
});

test('a policy that was dismissed admits all, as LRU does', () => {
  const reports: IoliteError[] = [];
  const policy = new GuardedPolicy(lruBut({ admit: () => 'no' }), error => reports.push(error));
  for (let i = 0; i < 2; i++) assert.equal(policy.admit({ key: 'a', size: 1 }), true);
  assert.equal(policy.name, 'lru');
  assert.match(
    reports.map(({ message }) => message).join(),
    /^[^,]*admit\(\) returned 'no', which is no bool/,
  );
});

test('a fault is told with its cause', () => {
  const reports: IoliteError[] = [];
  const policy = new GuardedPolicy(lruBut({ hit: fail }), error => reports.push(error));
  const entry = { key: 'a', size: 1 };
  policy.added(entry);
  policy.hit(entry);
  policy.hit(entry);
  assert.equal(reports.length, 1);
  const [report] = reports as [IoliteError];
  assert.match(report.message, /'faulty': its hit\(\) threw/);
  assert.deepEqual(report.cause, new Error('a fault of the policy'));
});

test('a file cache whose policy fails goes on', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: 256 * 1024, policy: lruBut({ victim: fail }) });
  const warned = once(process, 'warning');
  for (let i = 0; i < 40; i++) {
    writeFileSync(folder.file(`${i}`), Buffer.alloc(20_000, i));
    using content = await cache.read(folder.file(`${i}`));
    assert.equal(content.readUInt8(19_999), i);
  }
  const [warning] = await watchdog(warned, 'a warning');
  assert.equal(warning.code, 'ERR_IOLITE_POLICY');
  const { policy, evictions, entries } = cache.stats();
  assert.equal(policy, 'lru');
  assert(evictions > 0 && entries > 1);
});
