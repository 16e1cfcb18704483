import { now as machineNow } from '../../../base/clock.ts';
import { isTellingDate } from '../../../file/version/telling-date.ts';
import { type Directives, secondsOf } from '../../message/cache-control.ts';
import { parseHttpDate } from '../../message/http-date.ts';
import { type CacheDirectives, cacheDirectivesOf } from './cache-directives.ts';
import { type ResponseFacts, storedField } from './response-facts.ts';

/** Of the time since the last modification (RFC 9111, 4.2.2). */
const HEURISTIC_PART = 0.1;
/** Beyond a day users used to be warned of it. */
const MAX_HEURISTIC_SECONDS = 24 * 3600;
/** Statuses that are heuristically cacheable (RFC 9110, 15.1) and whole. */
export const HEURISTIC_STATUSES: ReadonlySet<number> = new Set([
  200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501,
]);

/** What a stored response may be used for. */
export type Use =
  /** It is fresh. */
  | 'fresh'
  /** It is stale, and may be sent while it is validated (RFC 5861, 3). */
  | 'while-revalidating'
  /** It is stale, and the client says that it takes it so. */
  | 'stale'
  /** Only if the origin says that it still is what it would send. */
  | 'validated';

/** What is told of a response's freshness by what is stored of it, read once. */
export interface Freshness {
  /** What it says to caches. */
  readonly directives: Directives;
  /** Its age when it was received, in seconds (RFC 9111, 4.2.3): the corrected initial age. */
  readonly initialAge: number;
  /** Seconds of age up to which it is fresh, in a cache that many users share (RFC 9111, 4.2.1). */
  readonly lifetime: number;
  /** When this was read, by the machine's clock, which nobody sets: no earlier than it was received. */
  readonly seenAt: number;
}

/** The clock of the day may be behind by so much before it counts as set back. */
const SET_BACK_MS = 1000;

const known = new WeakMap<ResponseFacts, Freshness>();

export function freshnessOf(facts: ResponseFacts): Freshness {
  let freshness = known.get(facts);
  if (freshness === undefined) {
    const said = cacheDirectivesOf(facts.headers);
    const initialAge = initialAgeOf(facts);
    const { staleAt = Number.POSITIVE_INFINITY, receivedAt } = facts;
    const ageThen = initialAge + Math.max(0, staleAt - receivedAt) / 1000;
    const { directives } = said;
    const lifetime = Math.min(lifetimeBy(said, facts), ageThen);
    freshness = { directives, initialAge, lifetime, seenAt: machineNow() };
    known.set(facts, freshness);
  }
  return freshness;
}

/** Seconds since the origin made it, or was last asked about it (RFC 9111, 4.2.3). */
export function ageOf(facts: ResponseFacts, now: number): number {
  return ageBy(freshnessOf(facts), facts.receivedAt, now);
}

/**
 * As {@link ageOf}. What lies here while the clock of the day is set back does not become younger; one that
 * is set forward, as after a machine has slept, makes it older.
 */
export function ageBy({ initialAge, seenAt }: Freshness, receivedAt: number, now: number): number {
  const byDay = Math.max(0, now - receivedAt);
  const byMachine = machineNow() - seenAt;
  return initialAge + (byMachine - byDay > SET_BACK_MS ? byMachine : byDay) / 1000;
}

function initialAgeOf(facts: ResponseFacts): number {
  const { requestedAt, receivedAt } = facts;
  const apparent = Math.max(0, (receivedAt - dateOf(facts)) / 1000);
  // Of several, the first counts (RFC 9111, 5.1).
  const [field = ''] = (storedField(facts, 'age') ?? '').split(',');
  const stated = /^\d+$/.test(field.trim()) ? Number(field) : 0;
  const corrected = stated + (receivedAt - requestedAt) / 1000;
  return Math.max(apparent, corrected);
}

function lifetimeBy({ directives, expires }: CacheDirectives, facts: ResponseFacts): number {
  const stated = secondsOf(directives, 's-maxage') ?? secondsOf(directives, 'max-age');
  if (stated !== undefined) return stated;
  if (expires === undefined) return heuristicLifetimeOf(facts, directives);
  // What is no date, '0' for instance, is in the past.
  return Math.max(0, ((parseHttpDate(expires) ?? 0) - dateOf(facts)) / 1000);
}

/** What a stored response may be used for when a request asks for it with these directives. */
export function useOf(facts: ResponseFacts, wanted: Directives, now: number): Use {
  const { directives, lifetime } = freshnessOf(facts);
  if (wanted.has('no-cache') || directives.has('no-cache')) return 'validated';
  const age = ageOf(facts, now);
  const remaining = lifetime - age;
  const maxAge = secondsOf(wanted, 'max-age');
  const minFresh = secondsOf(wanted, 'min-fresh') ?? 0;
  if (maxAge !== undefined && age > maxAge) return 'validated';
  if (remaining > 0) return remaining >= minFresh ? 'fresh' : 'validated';
  if (minFresh > 0 || forbidsStale(directives)) return 'validated';
  const window = secondsOf(directives, 'stale-while-revalidate') ?? 0;
  if (-remaining < window) return 'while-revalidating';
  // That a shared cache has a lifetime of its own says that beyond it the origin is to be asked (5.2.2.10).
  return !directives.has('s-maxage') && -remaining <= maxStaleOf(wanted) ? 'stale' : 'validated';
}

/** Whether it may be sent although the origin, asked about it, failed (RFC 5861, 4). */
export function mayStandIn(facts: ResponseFacts, wanted: Directives, now: number): boolean {
  const { directives, lifetime } = freshnessOf(facts);
  if (forbidsStale(directives) || directives.has('no-cache')) return false;
  const stale = ageOf(facts, now) - lifetime;
  const window = Math.max(
    secondsOf(directives, 'stale-if-error') ?? 0,
    secondsOf(wanted, 'stale-if-error') ?? 0,
  );
  return stale < window;
}

function forbidsStale(directives: Directives): boolean {
  return directives.has('must-revalidate') || directives.has('proxy-revalidate');
}

/** Seconds of staleness that a request takes: any, if it does not say how many. */
function maxStaleOf(wanted: Directives): number {
  if (!wanted.has('max-stale')) return -1;
  return wanted.get('max-stale') === undefined
    ? Number.POSITIVE_INFINITY
    : (secondsOf(wanted, 'max-stale') ?? 0);
}

function heuristicLifetimeOf(facts: ResponseFacts, directives: Directives): number {
  if (!HEURISTIC_STATUSES.has(facts.status) && !directives.has('public')) return 0;
  const modified = parseHttpDate(storedField(facts, 'last-modified') ?? '');
  // One that says nothing does not say either how often it changes.
  if (modified === undefined || !isTellingDate(modified, dateOf(facts))) return 0;
  const seconds = ((dateOf(facts) - modified) / 1000) * HEURISTIC_PART;
  return Math.min(Math.max(0, seconds), MAX_HEURISTIC_SECONDS);
}

/** When the origin made it. One without a clock made it when it came. */
export function dateOf(facts: ResponseFacts): number {
  return parseHttpDate(storedField(facts, 'date') ?? '') ?? facts.receivedAt;
}
