import { ArgumentError, describe } from '../../base/error.ts';
import { type Captures, compileGlob } from './glob.ts';

/** Which paths are meant. @returns what of a path is open, `$1` and so on; undefined for one that is not */
export type PathPattern = (path: string) => Captures | undefined;

const GLOB = /[*?[{\\]/;
/** What shells and others have besides, of which a glob here would make text. */
const EXTENDED = /[!@+]\(/;
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
  if (EXTENDED.test(pattern))
    return 'globs have no !( ), @( ) and +( ): { , } or several patterns are wanted, or [(] for a bracket';
  try {
    if (GLOB.test(pattern)) compileGlob(pattern);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function globPattern(pattern: string): PathPattern {
  // Without the slash in front, `**/` means what lies at the root, too.
  const glob = pattern.slice(pattern.startsWith('/') ? 1 : 0);
  const match = compileGlob(glob);
  return path => match(path.slice(1));
}

/** A text with `$1` and so on replaced by what a pattern left open, encoded for a URI. */
export function filledIn(text: string, captures: Captures): string {
  return text.replace(/\$(\d)/g, (_, digit: string) => encodedPath(captures[Number(digit) - 1] ?? ''));
}

/**
 * A path as patterns see it: several slashes are one, as for files, and each segment is decoded, as far as
 * that can be done and undone: an encoded slash parts nothing, and an encoded percent sign begins nothing.
 */
export function decodedPath(rawPath: string): string {
  const path = rawPath.replace(/\/{2,}/g, '/');
  return path.includes('%') ? path.split('/').map(decodedSegment).join('/') : path;
}

function decodedSegment(segment: string): string {
  try {
    return decodeURIComponent(segment.replace(/%(?=25|2f)/gi, '%25'));
  } catch {
    return segment;
  }
}

/** A path of {@link decodedPath}, percent-encoded (RFC 3986, 3.3). */
export function encodedPath(path: string): string {
  return encodedUri(path).replace(/[?#]/g, encodeURIComponent);
}

/** A reference with what may not stand in one percent-encoded; what is encoded stays so. */
export function encodedUri(reference: string): string {
  return encodeURI(reference).replace(/%25(?=[0-9a-f]{2})/gi, '%');
}

/** What a server behind may take for a step up, or for none: it would see another path than the rules. */
const DOTS = /(?:^|[/\\]|%2f)\.\.?(?:[/\\]|%2f|$)/i;

/** Whether a path of {@link decodedPath} has segments of dots, for anybody who reads it. */
export function hasDots(path: string): boolean {
  return DOTS.test(path);
}
