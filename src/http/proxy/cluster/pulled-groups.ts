import { fieldOf, type HeaderList } from '../../message/header-list.ts';

/**
 * The field that tells another machine by which groups a response may be forgotten: it does not get the
 * fields that named them.
 */
export function groupsField(groups: readonly string[] | undefined): HeaderList {
  return groups === undefined ? [] : ['Iolite-Groups', groups.map(encodeURIComponent).join(' ')];
}

/** @returns undefined for none @throws never: what cannot be read is no name */
export function readGroups(headers: HeaderList): readonly string[] | undefined {
  const field = fieldOf(headers, 'iolite-groups');
  return field === undefined ? undefined : field.split(' ').map(decoded);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
