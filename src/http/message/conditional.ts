import type { ServerRequest } from './exchange.ts';
import { parseHttpDate } from './http-date.ts';
import { saysNothing } from './last-modified.ts';

/** What tells one version of a representation from another (RFC 9110, 8.8). */
export interface Validators {
  readonly etag: string | undefined;
  /** As the field has it: whole seconds. One that says nothing is as good as none. */
  readonly lastModified: string | undefined;
}

/** What conditions say: go on, the client has it (304), or it is not what the client takes it for (412). */
export type Verdict = 'proceed' | 'not-modified' | 'failed';

/**
 * Evaluates the conditions of a GET or HEAD in their order of precedence (RFC 9110, 13.2.2), but for
 * If-Range. Fields that are no dates are ignored, as the standard wants it. Cache-Control: no-cache does not
 * overrule conditions: it is meant for caches.
 */
export function evaluate(request: ServerRequest, validators: Validators): Verdict {
  const match = request.header('if-match');
  if (match !== undefined) {
    if (!matchesStrongly(match, validators.etag)) return 'failed';
  } else if (isModifiedSince(request.header('if-unmodified-since'), validators)) {
    return 'failed';
  }
  const noneMatch = request.header('if-none-match');
  if (noneMatch !== undefined) return matchesWeakly(noneMatch, validators.etag) ? 'not-modified' : 'proceed';
  const since = parseHttpDate(request.header('if-modified-since') ?? '');
  const lastModified = since === undefined ? undefined : tellingDateOf(validators);
  if (since === undefined || lastModified === undefined) return 'proceed';
  // What an origin says need not be a date.
  return Date.parse(lastModified) <= since ? 'not-modified' : 'proceed';
}

/**
 * Whether a range may be taken of this version (If-Range; RFC 9110, 13.1.5): only a strong validator assures
 * that what the client has and what it gets are parts of the same bytes.
 */
export function allowsRange(ifRange: string | undefined, validators: Validators): boolean {
  if (ifRange === undefined) return true;
  if (ifRange.includes('"')) return isStrong(ifRange) && ifRange === validators.etag;
  if (ifRange !== validators.lastModified) return false;
  const lastModified = tellingDateOf(validators);
  if (lastModified === undefined) return false;
  // Within the second that it names a file could have changed again (8.8.2.2).
  return Date.now() - Date.parse(lastModified) >= 2000;
}

/** If-Match: the comparison is strong, so that a weak tag never matches (RFC 9110, 8.8.3.2). */
function matchesStrongly(list: string, etag: string | undefined): boolean {
  if (list.trim() === '*') return true;
  if (etag === undefined || !isStrong(etag)) return false;
  return list.match(/(?:W\/)?"[^"]*"/g)?.includes(etag) ?? false;
}

/**
 * If-None-Match: weak tags are as good as strong ones (RFC 9110, 8.8.3.2). A tag may hold commas; one without
 * quotes is none, and yet what some origins say.
 */
function matchesWeakly(list: string, etag: string | undefined): boolean {
  if (list.trim() === '*') return true;
  if (etag === undefined) return false;
  const tags = list.match(/(?:W\/)?(?:"[^"]*"|[^",\s]+)/g) ?? [];
  return tags.some(tag => opaque(tag) === opaque(etag));
}

function opaque(etag: string): string {
  return etag.startsWith('W/') ? etag.slice(2) : etag;
}

function isStrong(etag: string): boolean {
  return etag.startsWith('"');
}

function isModifiedSince(date: string | undefined, validators: Validators): boolean {
  const lastModified = date === undefined ? undefined : tellingDateOf(validators);
  if (date === undefined || lastModified === undefined) return false;
  const since = parseHttpDate(date);
  return since !== undefined && Date.parse(lastModified) > since;
}

function tellingDateOf({ lastModified }: Validators): string | undefined {
  if (lastModified === undefined || saysNothing(lastModified, Date.now())) return undefined;
  return lastModified;
}
