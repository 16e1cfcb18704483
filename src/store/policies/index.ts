import { ArgumentError, checkInteger, describe, type IoliteError } from '../../base/error.ts';
import type { CachePolicy } from '../policy.ts';
import { GreedyDualSize } from './greedy-dual-size.ts';
import { GreedyDualSizeFrequency } from './greedy-dual-size-frequency.ts';
import { GuardedPolicy } from './guarded-policy.ts';
import { LeastRecentlyUsed } from './lru.ts';
import { S3Fifo } from './s3-fifo.ts';

/** The policies that are there by name. */
export const POLICY_NAMES = ['lru', 'gds', 'gdsf', 's3fifo'] as const;

/** The policies that are built in. */
export type PolicyName = (typeof POLICY_NAMES)[number];

/** The policy of who names none. Why: docs/cache-policies.md. */
export const DEFAULT_POLICY: PolicyName = 'gdsf';

const METHODS = ['added', 'hit', 'removed', 'victim'] as const;

/**
 * A policy for one cache: by name, or the user's own, of which faults are kept from the cache. A policy of
 * one's own serves one cache only.
 * @param budget of the cache, in bytes
 * @param report hears once, as ERR_IOLITE_POLICY, when a user's policy failed and LRU took over. Default: a
 *   warning of the process
 * @throws ERR_IOLITE_ARGUMENT for what is neither a name nor a policy; ERR_IOLITE_RANGE for the budget
 */
export function createPolicy(
  policy: PolicyName | CachePolicy,
  budget: number,
  report: (error: IoliteError) => void = error => process.emitWarning(error),
): CachePolicy {
  checkInteger(budget, 'budget', 0, Number.MAX_SAFE_INTEGER);
  if (policy === 'lru') return new LeastRecentlyUsed();
  if (policy === 'gds') return new GreedyDualSize();
  if (policy === 'gdsf') return new GreedyDualSizeFrequency(budget);
  if (policy === 's3fifo') return new S3Fifo(budget);
  assertPolicy(policy);
  return new GuardedPolicy(policy, report);
}

function assertPolicy(policy: unknown): asserts policy is CachePolicy {
  if (typeof policy !== 'object' || policy === null) {
    throw new ArgumentError(
      `Cannot use cache policy: ${POLICY_NAMES.join(', ')} or a CachePolicy is wanted, ` +
        `${describe(policy)} was given`,
    );
  }
  const given = policy as Record<string, unknown>;
  const missing = METHODS.filter(method => typeof given[method] !== 'function');
  if (missing.length > 0) {
    throw new ArgumentError(`Cannot use cache policy: it has no method ${missing.join(', ')}`);
  }
  if (given.admit !== undefined && typeof given.admit !== 'function') {
    throw new ArgumentError(
      `Cannot use cache policy: a method is wanted as its admit, ${describe(given.admit)} was given`,
    );
  }
  if (typeof given.name !== 'string') {
    throw new ArgumentError(
      `Cannot use cache policy: a string is wanted as its name, ${describe(given.name)} was given`,
    );
  }
}
