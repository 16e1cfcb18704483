import { abortable } from '../base/abortable.ts';
import { IoliteError } from '../base/error.ts';
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
  /**
   * When it has given up all that has left by now, or is detached. Does not reject.
   * @returns undefined where it has
   */
  applied(): Promise<void> | undefined;
}

/** How long attached domains may take to give up what they are told of. */
const APPLY_MS = 10_000;

/**
 * When all attached domains have given up what has left by now.
 * @throws ERR_IOLITE_BUSY where some do not say so within ten seconds
 */
export async function allApplied(attached: Iterable<AttachedIndex>): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), APPLY_MS);
  try {
    await abortable(Promise.all(Array.from(attached, index => index.applied())), late.signal);
  } catch {
    throw new IoliteError('ERR_IOLITE_BUSY', 'Cannot tell what has left: an attached domain does not listen');
  } finally {
    clearTimeout(timer);
  }
}
