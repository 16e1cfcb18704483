/** Directives by their names in lower case; undefined is the value of those without one. */
export type Directives = ReadonlyMap<string, string | undefined>;

const DIRECTIVE = /\s*([\w!#$%&'*+.^`|~-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))\s*)?/y;
/** What is longer than 68 years is not told from it (RFC 9111, 1.2.2). */
const MAX_SECONDS = 2 ** 31;

/**
 * Parses Cache-Control (RFC 9111, 5.2). Of a directive that is there twice the first counts; what is not
 * well-formed is passed over up to the next comma.
 */
export function parseDirectives(field: string | undefined): Directives {
  const directives = new Map<string, string | undefined>();
  if (field === undefined) return directives;
  for (let at = 0; at < field.length; ) {
    DIRECTIVE.lastIndex = at;
    const found = DIRECTIVE.exec(field);
    const end = found === null ? at : DIRECTIVE.lastIndex;
    const atBorder = end === field.length || field[end] === ',';
    if (found !== null && atBorder) {
      const name = (found[1] as string).toLowerCase();
      if (!directives.has(name)) directives.set(name, found[2] ?? found[3]);
    }
    const comma = field.indexOf(',', end);
    at = comma === -1 ? field.length : comma + 1;
  }
  return directives;
}

/**
 * The seconds that a directive states.
 * @returns undefined when it is not there; 0 when it states none, as invalid information means stale (RFC
 *   9111, 4.2.1)
 */
export function secondsOf(directives: Directives, name: string): number | undefined {
  if (!directives.has(name)) return undefined;
  const value = directives.get(name);
  return value !== undefined && /^\d+$/.test(value) ? Math.min(Number(value), MAX_SECONDS) : 0;
}
