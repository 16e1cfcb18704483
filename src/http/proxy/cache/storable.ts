import { type Directives, parseDirectives } from '../../message/cache-control.ts';
import { fieldOf, type HeaderList, tokensOf } from '../../message/header-list.ts';
import { saysNothing } from '../../message/last-modified.ts';
import { HEURISTIC_STATUSES } from './freshness.ts';

/**
 * Statuses of an origin that fails: what is stored may stand in for it (RFC 5861, 4), and is not replaced by
 * it.
 */
export const FAILURES: ReadonlySet<number> = new Set([500, 502, 503, 504]);
/** Not whole, or about another response. */
const PARTIAL = new Set([206, 304]);

/** What of a request decides whether the response to it may be stored. */
export interface StorableRequest {
  readonly method: string;
  readonly directives: Directives;
  /** Whether it has Authorization. */
  readonly authorized: boolean;
}

/** Whether a shared cache may store a response, and would have a use for it (RFC 9111, 3). */
export function mayStore(asked: StorableRequest, status: number, headers: HeaderList): boolean {
  if (asked.method !== 'GET' || asked.directives.has('no-store')) return false;
  if (status < 200 || PARTIAL.has(status) || FAILURES.has(status)) return false;
  const directives = parseDirectives(fieldOf(headers, 'cache-control'));
  if (directives.has('no-store') || directives.has('private')) return false;
  if (directives.has('must-understand') && !HEURISTIC_STATUSES.has(status)) return false;
  if (asked.authorized && !isForAll(directives) && !directives.has('must-revalidate')) return false;
  // The standard lets it be stored. But it is nearly always meant for one user, who would share it with the
  // next.
  if (fieldOf(headers, 'set-cookie') !== undefined && !isForAll(directives)) return false;
  if (tokensOf(fieldOf(headers, 'vary')).includes('*')) return false;
  const hasLifetime =
    directives.has('s-maxage') || directives.has('max-age') || fieldOf(headers, 'expires') !== undefined;
  if (!hasLifetime && !directives.has('public') && !HEURISTIC_STATUSES.has(status)) return false;
  return hasLifetime || isValidatable(headers);
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
