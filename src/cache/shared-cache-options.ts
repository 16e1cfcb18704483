import type { Pool } from '../aggregate/pool.ts';
import { ArgumentError, checkInteger, checkOptionNames, describe, optionNames } from '../base/error.ts';
import { defaultBudget } from '../store/governor/default-budget.ts';
import type { InvalidationLog } from '../store/log/invalidation-log.ts';
import { createPolicy, type PolicyName } from '../store/policies/index.ts';
import type { CachePolicy } from '../store/policy.ts';
import type { KeepOptions } from './value-facts.ts';

/** What a process brings to a shared cache. Budget, policy and pool are those of whoever owns it. */
export interface SharedCacheOptions {
  /**
   * Most bytes of physical memory, that of the process which owns it: values, headers, what others still
   * hold, and the heap of its tables. Default: a quarter of the memory there is, 256 MiB at most.
   */
  readonly budget?: number;
  /** Who leaves a full cache. Default 's3fifo': values that come once pass through quickly. */
  readonly policy?: PolicyName | CachePolicy;
  /** Where values are put, and whose ACL says who may attach. Default: one of its own, for the same user. */
  readonly pool?: Pool;
  /**
   * Milliseconds that processes may use what an owner has said after it is gone: so long a change under the
   * next one waits. Default 1000.
   */
  readonly maxStale?: number;
  /** Whether it makes do with less than its budget while memory is short. Default true. */
  readonly govern?: boolean;
  /**
   * The machine's place among others, by `joinCluster()` of `iolite/cluster`: what is invalidated here is
   * invalidated in the cache of this name on all machines, and what they invalidate here. One process of each
   * machine says so. While it is cut off values are used as long as they are right by their `ttl`; if it
   * cannot be known what was missed, all of them are forgotten.
   */
  readonly cluster?: { readonly log: InvalidationLog } | undefined;
}

/** How long to wait for a value. */
export interface GetOptions {
  /** Ends the wait with its reason. */
  readonly signal?: AbortSignal;
}

/** What a maker of values is given. */
export interface MakeContext {
  /** Aborted when the one who asks gives up, or when it has taken too long. */
  readonly signal: AbortSignal;
  /** Says, by what was made, how long it is right, in place of what was said before. */
  keep(options: KeepOptions): void;
}

export interface GetOrSetOptions extends KeepOptions, GetOptions {
  /** Milliseconds that making may take. Default 30,000. */
  readonly timeout?: number;
}

/** What this process knows. */
export interface SharedCacheStats {
  /** 'joining' while there is no owner. */
  readonly role: 'owner' | 'attached' | 'joining';
  /** Values that there are. */
  readonly entries: number;
  /** What those take, which lie in the owner's memory once. */
  readonly bytes: number;
  /** Most bytes that the owner keeps. */
  readonly budget: number;
  /** Reads answered from memory at hand. */
  readonly hits: number;
  /** Reads that found nothing, or what is not mapped here yet: the owner was asked, or a value was made. */
  readonly misses: number;
}

const NAMES = optionNames<SharedCacheOptions>({
  budget: true,
  policy: true,
  pool: true,
  maxStale: true,
  govern: true,
  cluster: true,
});
const MAX_DEFAULT_BUDGET_BYTES = 256 * 1024 ** 2;
const DEFAULT_MAX_STALE_MS = 1000;
const LEAST_MAX_STALE_MS = 50;

/** What is not said is as by default. @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
export function checkedOptions(
  options: SharedCacheOptions,
): Required<Pick<SharedCacheOptions, 'budget' | 'policy' | 'maxStale'>> {
  if (typeof options !== 'object' || options === null)
    throw new ArgumentError(`Cannot share cache: options are wanted, ${describe(options)} was given`);
  checkOptionNames(options, NAMES, 'share cache');
  const { budget = defaultBudget({ most: MAX_DEFAULT_BUDGET_BYTES }), policy = 's3fifo' } = options;
  const { maxStale = DEFAULT_MAX_STALE_MS, cluster } = options;
  if (cluster !== undefined && typeof cluster?.log?.follow !== 'function')
    throw new ArgumentError(`Cannot share cache: a cluster is wanted, ${describe(cluster)} was given`);
  checkInteger(maxStale, 'maxStale', LEAST_MAX_STALE_MS, 2 ** 31 - 1);
  createPolicy(policy, budget);
  return { budget, policy, maxStale };
}
