import type { Directives } from '../../message/cache-control.ts';
import { keyOfTarget } from '../resource.ts';
import { useOf } from './freshness.ts';
import { type StoredFacts, storedField } from './response-facts.ts';

/** A response that is kept, as it is told to who may want it too. */
export interface HotResponse {
  /** The target URI. */
  readonly target: string;
  /** Of its content, in bytes. */
  readonly size: number;
  /** How often it was used since it came. */
  readonly uses: number;
  /** Fields of a request that selects it, as names and values: none where it does not vary. */
  readonly selecting: readonly string[];
}

const ANY_AGE: Directives = new Map();

/**
 * @param resource the key of what it is of
 * @returns undefined for what is not fresh, or cannot be asked for by what is known of it: its target is too
 *   long to be a key, it is selected by what may be for one client alone
 */
export function hotResponse(
  resource: string,
  facts: StoredFacts,
  size: number,
  uses: number,
): HotResponse | undefined {
  if (facts.kind !== 'response' || !isTarget(resource)) return undefined;
  if (facts.selecting === undefined && storedField(facts, 'vary') !== undefined) return undefined;
  if (useOf(facts, ANY_AGE, Date.now()) !== 'fresh') return undefined;
  return { target: resource, size, uses, selecting: facts.selecting ?? [] };
}

/** Whether a key is all of the target, and nothing else is part of it. */
function isTarget(key: string): boolean {
  return /^https?:/.test(key) && !key.includes(' ') && keyOfTarget(key) === key;
}
