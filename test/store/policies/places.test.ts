import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { S3Fifo } from '../../../src/store/policies/s3-fifo.ts';
import type { CacheEntry } from '../../../src/store/policy.ts';

const BUDGET = 4000;

/** The keys that leave a cache which is filled and hit at random. @param entryOf makes its entries */
function victimsOf(
  entryOf: (key: string, size: number) => CacheEntry,
  others: readonly S3Fifo[] = [],
): string[] {
  const random = new SeededRandom(11);
  const policies = [new S3Fifo(BUDGET), ...others] as [S3Fifo, ...S3Fifo[]];
  const present = new Map<string, CacheEntry>();
  const victims: string[] = [];
  let bytes = 0;
  for (let step = 0; step < 5000; step++) {
    const key = `${Math.floor(200 ** random.uniform())}`;
    const size = 50 + Math.floor(random.uniform() * 100);
    const entry = present.get(key);
    if (entry !== undefined) {
      for (const policy of policies) policy.hit(entry);
      continue;
    }
    while (bytes + size > BUDGET) {
      const victim = policies[0].victim(() => true) as CacheEntry;
      for (const policy of policies) policy.removed(victim, true);
      present.delete(victim.key);
      bytes -= victim.size;
      victims.push(victim.key);
    }
    const added = entryOf(key, size);
    for (const policy of policies) policy.added(added);
    present.set(key, added);
    bytes += size;
  }
  return victims;
}

const noted = (key: string, size: number): CacheEntry => ({ key, size, place: undefined });

test('an entry that its place is noted at is treated as any other', () => {
  const victims = victimsOf((key, size) => Object.freeze({ key, size }));
  assert.ok(victims.length > 500);
  assert.deepEqual(victimsOf(noted), victims);
  assert.deepEqual(victimsOf(noted, [new S3Fifo(BUDGET)]), victims, 'and so is one that two policies follow');
});

test('what has left a policy is noted there no more', () => {
  const [first, second] = [new S3Fifo(BUDGET), new S3Fifo(BUDGET)];
  const entry = noted('k', 1);
  first.added(entry);
  second.added(entry);
  assert.ok(entry.place !== undefined);
  second.removed(entry, true);
  assert.equal(
    second.victim(() => true),
    undefined,
  );
  assert.equal(
    first.victim(() => true),
    entry,
  );
  first.removed(entry, true);
  assert.equal(entry.place, undefined);
  assert.equal(
    first.victim(() => true),
    undefined,
  );
  first.hit(entry);
  first.removed(entry, true);
});
