import { type Directives, parseDirectives } from '../../message/cache-control.ts';
import { fieldOf, type HeaderList } from '../../message/header-list.ts';
import { dictionaryOf } from '../../message/structured-fields.ts';

/** What a response says to caches of this kind: Cache-Control, or what takes its place. */
export interface CacheDirectives {
  readonly directives: Directives;
  /** Expires, where nothing overrules it. */
  readonly expires: string | undefined;
}

/**
 * What a response says of its being stored here. CDN-Cache-Control is for caches in front of an origin that
 * act for it, as this one does: where it is well-formed, Cache-Control and Expires are for others (RFC 9213,
 * 2.2 and 3.1).
 */
export function cacheDirectivesOf(headers: HeaderList): CacheDirectives {
  const targeted = fieldOf(headers, 'cdn-cache-control');
  const directives = targeted === undefined ? undefined : dictionaryOf(targeted);
  if (directives !== undefined) return { directives, expires: undefined };
  return {
    directives: parseDirectives(fieldOf(headers, 'cache-control')),
    expires: fieldOf(headers, 'expires'),
  };
}
