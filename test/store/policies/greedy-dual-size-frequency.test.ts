import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GreedyDualSizeFrequency } from '../../../src/store/policies/greedy-dual-size-frequency.ts';
import type { CacheEntry, CachePolicy } from '../../../src/store/policy.ts';
import { assertSameVictims, BUDGET, countedEntries } from '../../file/support/policy-driver.ts';

const MiB = 1024 ** 2;

interface Worth {
  readonly entry: CacheEntry;
  readonly uses: number;
  readonly value: number;
}

/** A miss costs as much as reading 128 KiB does. */
function worthPerUse(size: number): number {
  return 1 / Math.max(1, size) + 1 / (128 * 1024);
}

/** Counts all requests, and sorts all entries by their worth whenever a victim is asked for. */
class Model implements CachePolicy {
  readonly name = 'model';
  readonly #requests = new Map<string, number>();
  /** Equal worth in the order of the last use. */
  #entries: Worth[] = [];
  #inflation = 0;

  admit(entry: CacheEntry): boolean {
    const [first] = this.#sorted();
    const requests = this.#count(entry.key);
    if (first === undefined) return true;
    const before = this.#requests.get(first.entry.key) ?? 0;
    return requests * worthPerUse(entry.size) > before * worthPerUse(first.entry.size);
  }

  added(entry: CacheEntry): void {
    this.#add(entry, this.#requests.get(entry.key) ?? this.#count(entry.key));
  }

  hit(entry: CacheEntry): void {
    this.#count(entry.key);
    this.#add(entry, this.#take(entry).uses + 1);
  }

  removed(entry: CacheEntry, evicted: boolean): void {
    const { value } = this.#take(entry);
    if (evicted) this.#inflation = Math.max(this.#inflation, value);
  }

  victim(eligible: (entry: CacheEntry) => boolean): CacheEntry | undefined {
    const sorted = this.#sorted();
    const at = sorted.findIndex(({ entry }) => eligible(entry));
    const victim = sorted[at];
    if (victim === undefined) return undefined;
    for (const { entry } of sorted.slice(0, at)) this.#add(entry, this.#take(entry).uses, victim.value);
    return victim.entry;
  }

  #sorted(): Worth[] {
    return [...this.#entries].sort((a, b) => a.value - b.value);
  }

  #count(key: string): number {
    const count = (this.#requests.get(key) ?? 0) + 1;
    this.#requests.set(key, count);
    return count;
  }

  #add(entry: CacheEntry, uses: number, inflation = this.#inflation): void {
    this.#entries.push({ entry, uses, value: inflation + uses * worthPerUse(entry.size) });
  }

  #take(entry: CacheEntry): Worth {
    const at = this.#entries.findIndex(each => each.entry === entry);
    return this.#entries.splice(at, 1)[0] as Worth;
  }
}

test('gdsf admits and evicts what a sorted list of worths does', () => {
  assertSameVictims(
    () => new GreedyDualSizeFrequency(BUDGET),
    () => new Model(),
  );
});

test('gdsf admits by requests per byte, compared with what would go', () => {
  const policy = new GreedyDualSizeFrequency(MiB);
  assert.equal(policy.admit({ key: 'first of all', size: 100_000 }), true);
  const kept = { key: 'kept', size: 1000 };
  policy.added(kept);
  for (let i = 0; i < 3; i++) policy.hit(kept);
  // It was asked for four times.
  const answers = (size: number, times: number): boolean[] =>
    Array.from({ length: times }, () => policy.admit({ key: `of ${size}`, size }));
  assert.deepEqual(answers(1000, 6), [false, false, false, false, true, true]);
  assert.deepEqual(answers(200, 2), [true, true]);
  assert.deepEqual(answers(250, 2), [false, true]);
  assert.equal(answers(10_000, 41).indexOf(true), 37);
  assert.equal(answers(100 * MiB, 1000).indexOf(true), 4 * 132 - 1);
  assert.deepEqual(answers(0, 1), [true]);
});

test('gdsf remembers how often was asked for what went, or was never there', () => {
  const policy = new GreedyDualSizeFrequency(MiB);
  const entries = ['a', 'b'].map(key => ({ key, size: 100 }));
  const [a, b] = entries as [CacheEntry, CacheEntry];
  policy.added(a);
  for (let i = 0; i < 5; i++) policy.hit(a);
  policy.removed(a, false);
  policy.added(b);
  policy.hit(b);
  // Later than b, and worth more, by what it was before.
  policy.added(a);
  policy.hit(b);
  assert.equal(
    policy.victim(() => true),
    b,
  );
});

test('gdsf counts uses that it is told of at once', () => {
  const policy = new GreedyDualSizeFrequency(MiB);
  const kept = { key: 'kept', size: 1000 };
  policy.added(kept);
  for (let i = 0; i < 3; i++) policy.hit(kept);
  const admits = (key: string, uses: number): boolean => policy.admit({ key, size: 1000 }, uses);
  assert.deepEqual([admits('a', 4), admits('a', 1), admits('b', 5)], [false, true, true]);
});

test('gdsf lets go of what was popular once', () => {
  const policy = new GreedyDualSizeFrequency(MiB);
  const old = { key: 'old', size: 1000 };
  policy.added(old);
  for (let i = 0; i < 1_000_000; i++) policy.hit(old);
  let evicted = 0;
  for (let victim: CacheEntry | undefined; victim !== old; evicted++) {
    const entry = { key: `new ${evicted}`, size: 1000 };
    policy.added(entry);
    victim = policy.victim(() => true) as CacheEntry;
    policy.removed(victim, true);
  }
  assert.ok(evicted > 100 && evicted < 300, `${evicted} others went before`);
});

test('gdsf asks about few entries, and changes few, however many there are', () => {
  const count = 2 ** 16;
  const { entries, reads } = countedEntries(count);
  const policy = new GreedyDualSizeFrequency(count * 1024);
  for (const entry of entries) policy.added(entry);
  const before = reads();
  let asked = 0;
  for (let i = 0; i < 1000; i++) {
    policy.hit(entries[(i * 7919) % count] as CacheEntry);
    policy.admit({ key: `other ${i}`, size: 50 });
    const victim = policy.victim(() => {
      asked += 1;
      return true;
    }) as CacheEntry;
    policy.removed(victim, true);
    policy.added(victim);
  }
  assert.equal(asked, 1000);
  assert.ok(reads() - before <= 3000, `${reads() - before} sizes were read`);
});
