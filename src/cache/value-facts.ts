import { ArgumentError, checkInteger, checkOptionNames, describe, optionNames } from '../base/error.ts';
import type { ContentFacts } from '../store/stored-version.ts';
import { isValueKind, type ValueKind } from './value.ts';

/** How long a value is right, and what it can be forgotten by. */
export interface KeepOptions {
  /** Milliseconds from now on for which it is found. Default: as long as the cache keeps it. */
  readonly ttl?: number;
  /**
   * Milliseconds beyond `ttl` in which {@link SharedCache.getOrSet} still gives it, while it is made anew.
   * Default 0.
   */
  readonly staleWhileRevalidate?: number;
  /** Names to invalidate it by, together with others. 64 at most, of 256 characters each. */
  readonly tags?: readonly string[];
}

/** What is known of a value besides its bytes. Times are milliseconds of the machine's monotonic clock. */
export type ValueFacts = ContentFacts & {
  readonly kind: ValueKind;
  /** When it was set: later than all that were set before. */
  readonly at: number;
  /** When it ceases to be fresh, and to be used at all. Missing: never. */
  readonly fresh?: number;
  readonly end?: number;
  readonly tags?: readonly string[];
};

/** What is asked for of a value, before it is known when it is set. */
export type NewFacts = {
  readonly kind: ValueKind;
  readonly ttl?: number;
  readonly stale?: number;
  readonly tags?: readonly string[];
};

const NAMES = optionNames<KeepOptions>({ ttl: true, staleWhileRevalidate: true, tags: true });
const MAX_DURATION_MS = 2 ** 50;
const MAX_KEY_CHARACTERS = 8192;
const MAX_TAGS = 64;
const MAX_TAG_CHARACTERS = 256;

/** @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
export function checkKey(key: unknown): asserts key is string {
  if (typeof key !== 'string')
    throw new ArgumentError(`Cannot use key: a string is wanted, ${describe(key)} was given`);
  checkInteger(key.length, 'length of key', 0, MAX_KEY_CHARACTERS);
}

/**
 * What was asked for, checked. @param names of options: these, and others of the caller's
 * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
 */
export function newFacts(kind: ValueKind, options: KeepOptions, names = NAMES): NewFacts {
  if (typeof options !== 'object' || options === null)
    throw new ArgumentError(`Cannot keep value: options are wanted, ${describe(options)} was given`);
  checkOptionNames(options, names, 'keep value');
  const { ttl, staleWhileRevalidate: stale, tags } = options;
  if (ttl !== undefined) checkInteger(ttl, 'ttl', 0, MAX_DURATION_MS);
  if (stale !== undefined) checkInteger(stale, 'staleWhileRevalidate', 0, MAX_DURATION_MS);
  if (tags !== undefined && !areTags(tags))
    throw new ArgumentError(
      `Cannot keep value: tags are to be ${MAX_TAGS} texts of ${MAX_TAG_CHARACTERS} characters at most`,
    );
  return {
    kind,
    ...(ttl === undefined ? {} : { ttl }),
    ...(stale === undefined ? {} : { stale }),
    ...(tags === undefined || tags.length === 0 ? {} : { tags: [...new Set(tags)] }),
  };
}

/** @param at when it is set */
export function factsAt({ kind, ttl, stale = 0, tags }: NewFacts, at: number): ValueFacts {
  return {
    kind,
    at,
    ...(ttl === undefined ? {} : { fresh: at + ttl, end: at + ttl + stale }),
    ...(tags === undefined ? {} : { tags }),
  };
}

/** Whether facts are what they have to be, whoever sent them. */
export function areValueFacts(facts: ContentFacts): facts is ValueFacts {
  const { kind, at, fresh, end, tags } = facts as Record<string, unknown>;
  const areTimes = [fresh, end].every(time => time === undefined || typeof time === 'number');
  return isValueKind(kind) && typeof at === 'number' && areTimes && (tags === undefined || areTags(tags));
}

/** Whether what was asked for is what it has to be, whoever sent it. */
export function areNewFacts(facts: unknown): facts is NewFacts {
  if (typeof facts !== 'object' || facts === null) return false;
  const { kind, ttl, stale, tags } = facts as Record<string, unknown>;
  const isDuration = (time: unknown): boolean =>
    time === undefined || (typeof time === 'number' && time >= 0);
  return isValueKind(kind) && isDuration(ttl) && isDuration(stale) && (tags === undefined || areTags(tags));
}

export function areTags(tags: unknown): tags is readonly string[] {
  return Array.isArray(tags) && tags.length <= MAX_TAGS && tags.every(isTag);
}

function isTag(tag: unknown): boolean {
  return typeof tag === 'string' && tag !== '' && tag.length <= MAX_TAG_CHARACTERS;
}

/** Whether a value is as it should be, not only good enough. */
export function isFresh({ fresh }: ValueFacts, time: number): boolean {
  return fresh === undefined || time < fresh;
}

/** Whether a value is not to be used in any way. */
export function isOver({ end }: ValueFacts, time: number): boolean {
  return end !== undefined && time >= end;
}
