import type { Directives } from '../../message/cache-control.ts';
import { fieldOf, type HeaderList, hasField, tokensOf } from '../../message/header-list.ts';
import { saysNothing } from '../../message/last-modified.ts';
import { cacheDirectivesOf } from './cache-directives.ts';
import { HEURISTIC_STATUSES } from './freshness.ts';

/**
 * Statuses of an origin that fails: what is stored may stand in for it (RFC 5861, 4), and is not replaced by
 * it.
 */
export const FAILURES: ReadonlySet<number> = new Set([500, 502, 503, 504]);
/** Not whole, or about another response. */
const PARTIAL = new Set([206, 304]);
/**
 * Errors that are about what was asked for, and so the same for all who ask. Others may be about the fields
 * of one request, which nobody else sends.
 */
const ERRORS_FOR_ALL = new Set([404, 405, 410, 414, 451, 501]);
/** Fields that are for one client, whatever else a response says of itself. */
const PERSONAL = ['set-cookie', 'set-cookie2', 'clear-site-data', 'authentication-info'];
/**
 * What origins are told of the client by this side: that a response varies by it says that it is for one
 * client.
 */
const TOLD_OF_CLIENT = new Set(['*', 'forwarded', 'via', 'x-forwarded-for', 'x-real-ip']);
/** By more than so many fields no two requests are the same. */
const MAX_VARIED_FIELDS = 20;

/** What of a request decides whether the response to it may be stored. */
export interface StorableRequest {
  readonly method: string;
  readonly directives: Directives;
  /** Whether it has Authorization. */
  readonly authorized: boolean;
  /** Whether it has Cookie. */
  readonly hasCookie: boolean;
}

/** A request that lets everything be stored. */
export const ASKED_BY_ANYBODY: StorableRequest = {
  method: 'GET',
  directives: new Map(),
  authorized: false,
  hasCookie: false,
};

/**
 * Whether a shared cache may store a response, and would have a use for it (RFC 9111, 3): the one question on
 * every way in, for what is received and for what a 304 makes of what is stored.
 * @param storeCookies whether cookies of a response that says it is for all are meant for all
 */
export function mayStore(
  asked: StorableRequest,
  status: number,
  headers: HeaderList,
  storeCookies = false,
): boolean {
  if (asked.method !== 'GET' || asked.directives.has('no-store')) return false;
  if (status < 200 || PARTIAL.has(status) || (status >= 400 && !ERRORS_FOR_ALL.has(status))) return false;
  const { directives, expires } = cacheDirectivesOf(headers);
  if (directives.has('no-store') || directives.has('private')) return false;
  if (directives.has('must-understand') && !HEURISTIC_STATUSES.has(status)) return false;
  if (asked.authorized && !isForAll(directives) && !directives.has('must-revalidate')) return false;
  // The standard lets it be stored. But it is meant for one user, who would share it with the next: what says
  // `public` says so of a file, and knows nothing of the session that something before it has opened.
  if (isPersonal(headers) && !(storeCookies && isForAll(directives))) return false;
  const varied = tokensOf(fieldOf(headers, 'vary'));
  if (varied.length > MAX_VARIED_FIELDS || varied.some(name => TOLD_OF_CLIENT.has(name))) return false;
  const hasLifetime = directives.has('s-maxage') || directives.has('max-age') || expires !== undefined;
  if (!hasLifetime && !directives.has('public')) {
    // Of what says nothing of caches it is not known whether it is for one user.
    if (asked.hasCookie || !HEURISTIC_STATUSES.has(status)) return false;
  }
  return hasLifetime || isValidatable(headers);
}

function isPersonal(headers: HeaderList): boolean {
  return PERSONAL.some(name => hasField(headers, name));
}

function isForAll(directives: Directives): boolean {
  return directives.has('public') || directives.has('s-maxage');
}

/** Whether the origin could be asked about it. One that is neither fresh nor this is never used. */
function isValidatable(headers: HeaderList): boolean {
  const modified = fieldOf(headers, 'last-modified');
  const isDated = modified !== undefined && !saysNothing(modified, Date.now());
  return isDated || fieldOf(headers, 'etag') !== undefined;
}
