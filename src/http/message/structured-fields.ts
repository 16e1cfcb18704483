import { parseDictionary, parseList, Token } from 'structured-headers';
import type { Directives } from './cache-control.ts';

/**
 * The strings of a field that is a list of strings (RFC 9651, 3.1 and 3.3.3), without their parameters.
 * @returns undefined when it is malformed, or has other members
 */
export function stringsOf(field: string): string[] | undefined {
  const list = parsed(parseList, field)?.map(([item]) => item);
  return list?.every(item => typeof item === 'string') ? list : undefined;
}

/**
 * A dictionary (RFC 9651, 3.2) as directives of a cache: numbers, strings and tokens as they are written, and
 * true as a directive without a value. Members of other types say nothing.
 * @returns undefined when it is malformed, or empty
 */
export function dictionaryOf(field: string): Directives | undefined {
  const members = parsed(parseDictionary, field);
  if (members === undefined || members.size === 0) return undefined;
  const directives = new Map<string, string | undefined>();
  for (const [name, [value]] of members) {
    if (value === true) directives.set(name, undefined);
    else if (typeof value === 'number' || typeof value === 'string' || value instanceof Token)
      directives.set(name, String(value));
  }
  return directives;
}

function parsed<T>(parse: (field: string) => T, field: string): T | undefined {
  try {
    return parse(field);
  } catch {
    return undefined;
  }
}
