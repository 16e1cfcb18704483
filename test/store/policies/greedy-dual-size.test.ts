import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GreedyDualSize } from '../../../src/store/policies/greedy-dual-size.ts';
import type { CacheEntry, CachePolicy } from '../../../src/store/policy.ts';
import { assertSameVictims, countedEntries } from '../../file/support/policy-driver.ts';

/** Sorts all entries by their worth whenever a victim is asked for. */
class Model implements CachePolicy {
  readonly name = 'model';
  /** Equal worth in the order of the last use. */
  #entries: { entry: CacheEntry; value: number }[] = [];
  #inflation = 0;

  added(entry: CacheEntry): void {
    this.#entries.push({ entry, value: this.#inflation + 1 / Math.max(1, entry.size) });
  }

  hit(entry: CacheEntry): void {
    this.removed(entry, false);
    this.added(entry);
  }

  removed(entry: CacheEntry, evicted: boolean): void {
    const at = this.#entries.findIndex(each => each.entry === entry);
    const [removed] = this.#entries.splice(at, 1);
    if (evicted) this.#inflation = Math.max(this.#inflation, removed?.value ?? 0);
  }

  victim(eligible: (entry: CacheEntry) => boolean): CacheEntry | undefined {
    const sorted = [...this.#entries].sort((a, b) => a.value - b.value);
    const at = sorted.findIndex(({ entry }) => eligible(entry));
    const victim = sorted[at];
    if (victim === undefined) return undefined;
    for (const each of sorted.slice(0, at)) {
      this.#entries.splice(this.#entries.indexOf(each), 1);
      this.#entries.push({ entry: each.entry, value: victim.value + 1 / Math.max(1, each.entry.size) });
    }
    return victim.entry;
  }
}

test('gds evicts what a sorted list of worths evicts', () => {
  assertSameVictims(
    () => new GreedyDualSize(),
    () => new Model(),
  );
});

test('gds prefers to evict what is large, until what is small was not used for long', () => {
  const policy = new GreedyDualSize();
  const small = { key: 'small', size: 10 };
  const large = (i: number): CacheEntry => ({ key: `large ${i}`, size: 100 });
  policy.added(small);
  const victims: string[] = [];
  for (let i = 0; i < 20; i++) {
    policy.added(large(i));
    const victim = policy.victim(() => true) as CacheEntry;
    victims.push(victim.key);
    policy.removed(victim, true);
  }
  // Each eviction of a large one raises the inflation by a hundredth, until it is the small one's tenth.
  assert.equal(victims[0], 'large 0');
  assert(victims.indexOf('small') > 5);
});

test('gds asks about few entries, and changes few, however many there are', () => {
  const count = 2 ** 16;
  const { entries, reads } = countedEntries(count);
  const policy = new GreedyDualSize();
  for (const entry of entries) policy.added(entry);
  assert.equal(reads(), count);
  let asked = 0;
  for (let i = 0; i < 1000; i++) {
    policy.hit(entries[(i * 7919) % count] as CacheEntry);
    const victim = policy.victim(() => {
      asked += 1;
      return true;
    }) as CacheEntry;
    policy.removed(victim, true);
    policy.added(victim);
  }
  assert.equal(asked, 1000);
  assert.equal(reads(), count + 2000);
});
