import { fieldOf, type HeaderList } from '../../message/header-list.ts';
import { stringsOf } from '../../message/structured-fields.ts';

/** Fields, besides Cache-Groups, whose names are groups that a response is in, where that is asked for. */
export type GroupField = 'surrogate-key' | 'cache-tag';

export const GROUP_FIELDS: readonly GroupField[] = ['surrogate-key', 'cache-tag'];

/**
 * More groups than that of one response, and longer names, are passed over (RFC 9875, 2: at least 32, of 32).
 */
const MAX_GROUPS = 128;
const MAX_CHARACTERS = 256;

/**
 * The groups that a response is in: Cache-Groups (RFC 9875), and what other caches call keys or tags.
 * @returns undefined for none
 */
export function groupsOf(headers: HeaderList, fields: readonly GroupField[]): string[] | undefined {
  const groups = new Set(stringsOf(fieldOf(headers, 'cache-groups') ?? ''));
  for (const field of fields) {
    const separator = field === 'cache-tag' ? ',' : /[ \t,]+/;
    for (const name of (fieldOf(headers, field) ?? '').split(separator)) groups.add(name.trim());
  }
  groups.delete('');
  const kept = [...groups].filter(({ length }) => length <= MAX_CHARACTERS).slice(0, MAX_GROUPS);
  return kept.length === 0 ? undefined : kept;
}

/** The groups of the same origin that a change says are no longer right (RFC 9875, 3). */
export function invalidatedGroups(headers: HeaderList): readonly string[] {
  return stringsOf(fieldOf(headers, 'cache-group-invalidation') ?? '') ?? [];
}
