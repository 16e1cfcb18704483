import picomatch from 'picomatch';
import { ArgumentError, describe } from '../../base/error.ts';

/** What of a path a pattern left open: `$1` and so on; empty for one that leaves nothing open. */
export type Captures = readonly string[];

/** Which paths are meant. @returns undefined for a path that is not */
export type PathPattern = (path: string) => Captures | undefined;

const GLOB = /[*?[\]{}()!]/;
const NOTHING_OPEN: Captures = [];

/**
 * Compiles a pattern: a glob (`/assets/**`, `*` within a segment, `{a,b}`), all below a folder where it ends
 * with a slash (`/api/`, which means `/api`, too), or else one path.
 * @throws ERR_IOLITE_ARGUMENT
 */
export function pathPattern(pattern: string): PathPattern {
  const trouble = troubleOfPattern(pattern);
  if (trouble !== undefined) throw new ArgumentError(`Cannot use pattern ${describe(pattern)}: ${trouble}`);
  if (GLOB.test(pattern)) return globPattern(pattern);
  if (!pattern.endsWith('/')) return path => (path === pattern ? NOTHING_OPEN : undefined);
  const folder = pattern.slice(0, -1);
  return path => {
    if (path.startsWith(pattern)) return [path.slice(pattern.length)];
    return path === folder ? [''] : undefined;
  };
}

/** What is wrong with a pattern, for people; undefined when nothing is. */
export function troubleOfPattern(pattern: unknown): string | undefined {
  if (typeof pattern !== 'string' || !(pattern.startsWith('/') || pattern.startsWith('**/'))) {
    return "a path or glob that begins with '/' is wanted";
  }
  try {
    picomatch.makeRe(pattern, { strictBrackets: true });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function globPattern(pattern: string): PathPattern {
  // Without the slash in front, `**/` means what lies at the root, too.
  const glob = pattern.slice(pattern.startsWith('/') ? 1 : 0);
  const expression = picomatch.makeRe(glob, { capture: true, dot: true, nonegate: true }) as RegExp;
  return path => {
    const found = expression.exec(path.slice(1));
    return found === null ? undefined : found.slice(1).map(each => each ?? '');
  };
}

/** A text with `$1` and so on replaced by what a pattern left open, encoded for a URI. */
export function filledIn(text: string, captures: Captures): string {
  return text.replace(/\$(\d)/g, (_, digit: string) => encodedPath(captures[Number(digit) - 1] ?? ''));
}

/** A decoded path, percent-encoded (RFC 3986, 3.3). */
export function encodedPath(path: string): string {
  return encodeURI(path).replace(/[?#]/g, encodeURIComponent);
}
