import type { HeaderList } from './exchange.ts';

/**
 * The value of a field by its name in lower case; those of several lines are joined with ', ' (RFC 9110,
 * 5.3).
 */
export function fieldOf(headers: HeaderList, name: string): string | undefined {
  let value: string | undefined;
  for (let index = 0; index < headers.length; index += 2) {
    const field = headers[index] as string;
    if (field.length !== name.length || field.toLowerCase() !== name) continue;
    const line = headers[index + 1] as string;
    value = value === undefined ? line : `${value}, ${line}`;
  }
  return value;
}

/** The fields but for those whose names, in lower case, are in a set. */
export function without(headers: HeaderList, names: ReadonlySet<string>): string[] {
  const rest: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (!names.has(name.toLowerCase())) rest.push(name, headers[index + 1] as string);
  }
  return rest;
}

/** The names of the fields, in lower case. */
export function namesOf(headers: HeaderList): Set<string> {
  const names = new Set<string>();
  for (let index = 0; index < headers.length; index += 2) names.add((headers[index] as string).toLowerCase());
  return names;
}

/** The members of a field that is a list of tokens, in lower case. */
export function tokensOf(field: string | undefined): string[] {
  if (field === undefined) return [];
  return field
    .toLowerCase()
    .split(',')
    .map(token => token.trim())
    .filter(token => token !== '');
}
