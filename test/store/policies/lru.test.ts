import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeastRecentlyUsed } from '../../../src/store/policies/lru.ts';
import type { CacheEntry, CachePolicy } from '../../../src/store/policy.ts';
import { assertSameVictims, countedEntries } from '../../file/support/policy-driver.ts';

/** A list, searched from its start. */
class Model implements CachePolicy {
  readonly name = 'model';
  #entries: CacheEntry[] = [];

  added(entry: CacheEntry): void {
    this.#entries.push(entry);
  }

  hit(entry: CacheEntry): void {
    this.removed(entry);
    this.added(entry);
  }

  removed(entry: CacheEntry): void {
    this.#entries = this.#entries.filter(each => each !== entry);
  }

  victim(eligible: (entry: CacheEntry) => boolean): CacheEntry | undefined {
    const at = this.#entries.findIndex(eligible);
    if (at === -1) return undefined;
    // What is in use is used last now.
    this.#entries.push(...this.#entries.splice(0, at));
    return this.#entries[0];
  }
}

test('lru evicts what a list ordered by the last use evicts', () => {
  assertSameVictims(
    () => new LeastRecentlyUsed(),
    () => new Model(),
  );
});

test('lru names the least recently used entry that is not in use', () => {
  const policy = new LeastRecentlyUsed();
  const [a, b, c] = ['a', 'b', 'c'].map(key => ({ key, size: 1 })) as [CacheEntry, CacheEntry, CacheEntry];
  for (const entry of [a, b, c]) policy.added(entry);
  policy.hit(a);
  assert.equal(
    policy.victim(() => true),
    b,
  );
  assert.equal(
    policy.victim(entry => entry !== b),
    c,
  );
  // b was in use a moment ago, c was not used since it came.
  assert.equal(
    policy.victim(() => true),
    c,
  );
  assert.equal(
    policy.victim(() => false),
    undefined,
  );
});

test('lru does the same work for an operation however many entries there are', () => {
  const workFor = (count: number): number => {
    const { entries, reads } = countedEntries(count);
    const policy = new LeastRecentlyUsed();
    let asked = 0;
    for (const entry of entries) policy.added(entry);
    const before = reads();
    for (let i = 0; i < 1000; i++) {
      policy.hit(entries[(i * 7919) % count] as CacheEntry);
      const victim = policy.victim(() => {
        asked += 1;
        return true;
      }) as CacheEntry;
      policy.removed(victim);
      policy.added(victim);
    }
    return reads() - before + asked;
  };
  assert.equal(workFor(100_000), workFor(100));
});
