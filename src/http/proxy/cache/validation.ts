import { fieldOf, type HeaderList, namesOf, without } from '../../message/header-list.ts';
import { saysNothing } from '../../message/last-modified.ts';
import { dateOf } from './freshness.ts';
import { type ResponseFacts, storedField } from './response-facts.ts';

/** Fields of a 304 that say nothing of the stored content, which stays (RFC 9111, 3.2). */
const ABOUT_CONTENT = new Set(['content-length', 'content-encoding', 'content-range', 'content-type']);

/**
 * Fields that ask the origin whether a stored response still is what it would send. Empty when it has no
 * validator: a date that says nothing is none.
 */
export function conditionsOf(facts: ResponseFacts): string[] {
  const etag = storedField(facts, 'etag');
  const modified = storedField(facts, 'last-modified');
  return [
    ...(etag === undefined ? [] : ['If-None-Match', etag]),
    ...(modified === undefined || saysNothing(modified, dateOf(facts))
      ? []
      : ['If-Modified-Since', modified]),
  ];
}

/**
 * A stored response as a 304 to {@link conditionsOf} confirms and renews it (RFC 9111, 4.3.4): fields of the
 * 304 take the place of those stored.
 * @param headers of the 304, as they are sent on
 * @returns undefined when the 304 is about another version
 */
export function renewed(
  facts: ResponseFacts,
  headers: HeaderList,
  times: { readonly requestedAt: number; readonly receivedAt: number },
): ResponseFacts | undefined {
  if (!isAbout(facts, headers)) return undefined;
  const news = without(headers, ABOUT_CONTENT);
  const replaced = namesOf(news);
  // An age of before says nothing of a response that was validated just now.
  replaced.add('age');
  const { staleAt: _, ...rest } = facts;
  return { ...rest, ...times, headers: [...without(facts.headers, replaced), ...news] };
}

function isAbout(facts: ResponseFacts, headers: HeaderList): boolean {
  const etag = fieldOf(headers, 'etag');
  if (etag !== undefined) return opaque(etag) === opaque(storedField(facts, 'etag') ?? '');
  const modified = fieldOf(headers, 'last-modified');
  return modified === undefined || modified === storedField(facts, 'last-modified');
}

/** The comparison is weak (RFC 9110, 8.8.3.2). */
function opaque(etag: string): string {
  return etag.replace(/^W\//, '');
}
