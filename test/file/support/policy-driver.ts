import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { CacheEntry, CachePolicy } from '../../../src/store/policy.ts';

/** What happens to a cache. */
export type Operation =
  | { readonly kind: 'read'; readonly key: number }
  /** Its file changed. */
  | { readonly kind: 'change'; readonly key: number }
  /** A reader holds it, or holds it no longer. */
  | { readonly kind: 'hold' | 'let go'; readonly key: number };

const KEYS = 24;
export const BUDGET = 4096;

/** The size of the file of that number: some are empty, some fill half of the budget. */
function sizeOf(key: number): number {
  return [0, 1, 64, 200, 200, 400, 700, 2000][key % 8] as number;
}

const kinds = fc.constantFrom(
  ...(['read', 'read', 'read', 'read', 'read', 'change', 'hold', 'let go'] as const),
);

export const operations: fc.Arbitrary<Operation[]> = fc.array(
  fc.record({ kind: kinds, key: fc.nat(KEYS - 1) }),
  { maxLength: 300, size: 'max' },
);

/**
 * A cache without content: reads, and evicts by a policy, unused entries first. Checks that each victim is
 * there, is eligible, and is named as long as there is one.
 * @returns the keys that were evicted, in their order
 */
export function drive(policy: CachePolicy, todo: readonly Operation[]): string[] {
  const present = new Map<string, CacheEntry>();
  const held = new Set<string>();
  const evicted: string[] = [];
  let bytes = 0;

  const remove = (entry: CacheEntry, isVictim: boolean): void => {
    present.delete(entry.key);
    bytes -= entry.size;
    policy.removed(entry, isVictim);
  };
  const victimAmong = (eligible: (entry: CacheEntry) => boolean): CacheEntry | undefined => {
    const victim = policy.victim(eligible);
    const candidates = [...present.values()].filter(eligible);
    if (candidates.length === 0) assert.equal(victim, undefined);
    else assert(victim !== undefined && candidates.includes(victim), 'a victim is present and eligible');
    return victim;
  };
  const read = (key: string, size: number): void => {
    const entry = present.get(key);
    if (entry !== undefined) return policy.hit(entry);
    if (bytes + size > BUDGET && policy.admit?.({ key, size }) === false) return;
    while (bytes + size > BUDGET) {
      const victim = victimAmong(({ key }) => !held.has(key)) ?? victimAmong(() => true);
      assert(victim !== undefined);
      evicted.push(victim.key);
      remove(victim, true);
    }
    const added = { key, size };
    present.set(key, added);
    bytes += size;
    policy.added(added);
  };

  for (const { kind, key } of todo) {
    const name = `${key}`;
    const entry = present.get(name);
    if (kind === 'read') read(name, sizeOf(key));
    else if (kind === 'change' && entry !== undefined) remove(entry, false);
    else if (kind === 'hold') held.add(name);
    else if (kind === 'let go') held.delete(name);
  }
  return evicted;
}

/** Asserts that two policies evict the same entries in the same order, whatever happens. */
export function assertSameVictims(policy: () => CachePolicy, model: () => CachePolicy): void {
  fc.assert(
    fc.property(operations, todo => {
      assert.deepEqual(drive(policy(), todo), drive(model(), todo));
    }),
  );
}

/**
 * Entries of which it is counted how often anything asks for their size, as queues do when they are changed.
 */
export function countedEntries(count: number): { entries: CacheEntry[]; reads: () => number } {
  let reads = 0;
  const entries = Array.from({ length: count }, (_, i) => ({
    key: `${i}`,
    get size() {
      reads += 1;
      return 1 + (i % 100);
    },
  }));
  return { entries, reads: () => reads };
}
