import type { StoredVersion } from './stored-version.ts';
import type { Term } from './term.ts';

/** What a store tells of what it has given out. */
export interface StoreListener {
  /**
   * The store no longer has this version: it was evicted, removed, replaced, or moved within memory.
   * @param stays whether its entry is still there, with the same content in another place or more forms of it
   */
  left(held: StoredVersion, stays: boolean): void;
}

/** What another domain has in its index, through a channel. */
export interface AttachedIndex extends StoreListener {
  /** A term has another end. */
  renewed(term: Term): void;
  /** The store has another budget. */
  resized(budget: number): void;
  /** The store is closed. */
  closed(): void;
  /** When it has given up all that has left by now, or is detached. Does not reject. */
  applied(): Promise<void>;
}
