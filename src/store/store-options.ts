import type { Pool } from '../aggregate/pool.ts';
import type { Governor } from './governor/governor.ts';
import type { CachePolicy } from './policy.ts';
import type { SpaceStats } from './space/space-stats.ts';
import type { ContentFacts } from './stored-version.ts';

/** Counters of a store, and the bytes of its budget by state. */
export interface StoreStats extends SpaceStats {
  /** The name of what says which content leaves. */
  readonly policy: string;
  readonly entries: number;
  /** Bytes of content, forms included. */
  readonly bytes: number;
  readonly budget: number;
  /** How much of the budget may be used just now: less than all of it while memory is short. */
  readonly allowance: number;
  readonly evictions: number;
  /**
   * How often the live contents of a segment were copied together, so that its dead bytes could be used
   * again.
   */
  readonly cleanings: number;
  /** Contents that were given out and not kept: the budget had no room, or the policy did not admit them. */
  readonly uncached: number;
  /** Bytes of memory beside the budget that hold such contents now, here and in attached domains. */
  readonly beside: number;
}

export interface StoreOptions<F extends ContentFacts = ContentFacts> {
  /** In bytes, of physical memory. */
  readonly budget: number;
  readonly policy: CachePolicy;
  readonly pool?: Pool | undefined;
  readonly governor?: Governor | undefined;
  /**
   * How many bytes of heap keeping a version takes, which count in the budget as those of its content do.
   * Default: none count, as for what is named by files that exist.
   */
  readonly heapOf?: ((key: string, facts: F) => number) | undefined;
}
