import type { CacheEntry } from './policy.ts';
import type { ContentFacts, StoredVersion } from './stored-version.ts';

/**
 * Something that is kept under a key. The same object until it is removed, whatever becomes of its version.
 */
export class Entry<F extends ContentFacts, L> implements CacheEntry {
  readonly key: string;
  /** What the domain that owns the store knows of it besides. */
  readonly local: L;
  /** Its present version. Set as soon as the entry is made. */
  declare held: StoredVersion<F>;
  /** @internal See {@link CacheEntry}. */
  place: object | undefined = undefined;
  /** What keeping it costs: bytes of its version, and of heap. */
  size = 0;
  /** Bytes of heap that count as the store's. */
  heap = 0;
  /** How often it was used since it came. */
  uses = 0;
  /** Whether its store has it. */
  isKept = true;
  /** How many attached domains have it in their index. */
  indexes = 0;
  /** In how many of them somebody uses it besides. */
  holders = 0;

  constructor(key: string, local: L) {
    this.key = key;
    this.local = local;
  }

  /** Whether somebody uses it: holds a snapshot of it, here or in an attached domain. */
  get inUse(): boolean {
    return this.holders > 0 || this.held.inUse;
  }
}
