import assert from 'node:assert/strict';
import { test } from 'node:test';
import { S3Fifo } from '../../../src/store/policies/s3-fifo.ts';
import type { CacheEntry, CachePolicy } from '../../../src/store/policy.ts';
import { assertSameVictims, BUDGET, countedEntries } from '../../file/support/policy-driver.ts';

interface Counted {
  readonly entry: CacheEntry;
  uses: number;
}

/** Three arrays, as the paper's pseudocode has them. */
class Model implements CachePolicy {
  readonly name = 'model';
  readonly #small: Counted[] = [];
  readonly #main: Counted[] = [];
  readonly #ghosts: { key: string; size: number }[] = [];

  added(entry: CacheEntry): void {
    const ghost = this.#ghosts.findIndex(({ key }) => key === entry.key);
    if (ghost !== -1) this.#ghosts.splice(ghost, 1);
    (ghost === -1 ? this.#small : this.#main).push({ entry, uses: 0 });
  }

  hit(entry: CacheEntry): void {
    const counted = [...this.#small, ...this.#main].find(each => each.entry === entry);
    if (counted !== undefined && counted.uses < 3) counted.uses += 1;
  }

  removed(entry: CacheEntry, evicted: boolean): void {
    for (const queue of [this.#small, this.#main]) {
      const at = queue.findIndex(each => each.entry === entry);
      if (at === -1) continue;
      queue.splice(at, 1);
      if (evicted && queue === this.#small)
        this.#ghosts.push({ key: entry.key, size: Math.max(64, entry.size) });
    }
    const total = (): number => this.#ghosts.reduce((sum, { size }) => sum + size, 0);
    while (total() > BUDGET * 0.9) this.#ghosts.shift();
  }

  victim(eligible: (entry: CacheEntry) => boolean): CacheEntry | undefined {
    const small = this.#small.reduce((sum, { entry }) => sum + entry.size, 0);
    const order = small >= BUDGET / 10 ? [this.#small, this.#main] : [this.#main, this.#small, this.#main];
    for (const queue of order) {
      const victim = this.#search(queue, eligible);
      if (victim !== undefined) return victim;
    }
    return undefined;
  }

  #search(queue: Counted[], eligible: (entry: CacheEntry) => boolean): CacheEntry | undefined {
    const passed: Counted[] = [];
    let found: Counted | undefined;
    while (queue.length > 0 && found === undefined) {
      const counted = queue.shift() as Counted;
      if (queue === this.#small && counted.uses >= 2) this.#main.push({ ...counted, uses: 0 });
      else if (queue === this.#main && counted.uses > 0) queue.push({ ...counted, uses: counted.uses - 1 });
      else if (eligible(counted.entry)) found = counted;
      else passed.push(counted);
    }
    if (found !== undefined) queue.unshift(found);
    queue.push(...passed);
    return found?.entry;
  }
}

test('s3fifo evicts what three arrays evict', () => {
  assertSameVictims(
    () => new S3Fifo(BUDGET),
    () => new Model(),
  );
});

/** Reads files one after the other from a cache of ten that have the same size. */
class TenFiles {
  readonly #policy = new S3Fifo(1000);
  readonly #present = new Map<string, CacheEntry>();

  /** @returns whether it was a hit */
  read(key: string): boolean {
    const entry = this.#present.get(key);
    if (entry !== undefined) {
      this.#policy.hit(entry);
      return true;
    }
    if (this.#present.size === 10) {
      const victim = this.#policy.victim(() => true) as CacheEntry;
      this.#present.delete(victim.key);
      this.#policy.removed(victim, true);
    }
    const added = { key, size: 100 };
    this.#present.set(key, added);
    this.#policy.added(added);
    return false;
  }
}

test('s3fifo keeps what was read again through a scan of what is read once', () => {
  const cache = new TenFiles();
  for (let round = 0; round < 3; round++) for (let i = 0; i < 8; i++) cache.read(`hot ${i}`);
  for (let i = 0; i < 1000; i++) cache.read(`scanned ${i}`);
  for (let i = 0; i < 8; i++) assert.equal(cache.read(`hot ${i}`), true);
});

test('s3fifo takes what comes back soon for worth keeping', () => {
  const cache = new TenFiles();
  for (let i = 0; i < 12; i++) cache.read(`first ${i}`);
  assert.equal(cache.read('first 0'), false);
  for (let i = 0; i < 100; i++) cache.read(`scanned ${i}`);
  assert.equal(cache.read('first 0'), true);
});

test('s3fifo does the same work for an operation however many entries there are', () => {
  const workFor = (count: number): number => {
    const { entries, reads } = countedEntries(count);
    const policy = new S3Fifo(50 * count);
    let asked = 0;
    for (const entry of entries) policy.added(entry);
    const before = reads();
    for (let i = 0; i < 5000; i++) {
      policy.hit(entries[(i * 7919) % count] as CacheEntry);
      const victim = policy.victim(() => {
        asked += 1;
        return true;
      }) as CacheEntry;
      policy.removed(victim, true);
      policy.added(victim);
    }
    return (reads() - before + asked) / 5000;
  };
  // Each hit may send an entry around once more.
  assert(workFor(100) < 20);
  assert(workFor(100_000) < 20);
});

test('s3fifo follows a budget that changes', () => {
  const policy = new S3Fifo(1000);
  const entries = Array.from({ length: 10 }, (_, i) => ({ key: `${i}`, size: 100 }));
  for (const entry of entries) policy.added(entry);
  const [first, second] = entries as [CacheEntry, CacheEntry];
  // In the main queue, for it was hit twice; there is more than a tenth in the small one.
  policy.hit(first);
  policy.hit(first);
  assert.equal(
    policy.victim(() => true),
    second,
  );
  // Of ten times the budget that is less than a tenth: so the main queue gives up its first.
  policy.resized(10_000);
  assert.equal(
    policy.victim(() => true),
    first,
  );
});
