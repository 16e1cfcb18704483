/** What a request names: a path below the root, in decoded segments joined by '/'. */
export interface RequestTarget {
  /** Begins with '/'. Ends with '/' when a directory was asked for. */
  readonly path: string;
  /** The path as it was sent, percent-encoded. */
  readonly rawPath: string;
  /** With its '?', or empty. */
  readonly query: string;
  /** Whether a segment begins with a dot. */
  readonly hidden: boolean;
  /** Whether that is the first one, `.well-known`, which is there to be seen (RFC 8615). */
  readonly isWellKnown: boolean;
}

/** Why a target names nothing: the status to answer with. */
export type TargetRefusal = 400 | 404 | 414;

const MAX_PATH_CHARACTERS = 4096;
/** NAME_MAX, in bytes (limits.h). */
const MAX_SEGMENT_BYTES = 255;
/** What most targets are: nothing to decode, no query, no dot that a segment begins with. */
const PLAIN = /^(?:\/[\w~-][\w.~-]*)+\/?$/;

/**
 * Reads a request target (RFC 9112, 3.2) strictly: percent-encoding is decoded once, and whatever could name
 * something outside of the root, or mean different things to different programs, is refused. The query names
 * nothing.
 * @returns the target, or the status of the refusal: 414 too long a path; 400 no path, not decodable, with
 *   control characters, slashes that are encoded, backslashes, or segments of dots; 404 segments that are
 *   too long for a file name
 */
export function parseTarget(target: string): RequestTarget | TargetRefusal {
  if (target.length <= MAX_SEGMENT_BYTES && PLAIN.test(target))
    return { path: target, rawPath: target, query: '', hidden: false, isWellKnown: false };
  if (/[^\x21-\xff]|#/.test(target)) return 400;
  const originForm = target.replace(/^https?:\/\/[^/?]*/i, '');
  const start = originForm.indexOf('?');
  const sentPath =
    (start === -1 ? originForm : originForm.slice(0, start)) || (originForm === target ? '' : '/');
  const query = start === -1 ? '' : originForm.slice(start);
  // Several slashes are one, as file systems have it.
  const rawPath = sentPath.replace(/\/{2,}/g, '/');
  if (sentPath.length > MAX_PATH_CHARACTERS) return 414;
  if (!rawPath.startsWith('/') || /[^\x21-\x7e]|\\/.test(rawPath)) return 400;
  const segments: string[] = [];
  const rawSegments = rawPath.slice(1).split('/');
  for (const raw of rawSegments) {
    const segment = decodeSegment(raw);
    if (typeof segment === 'number') return segment;
    segments.push(segment);
  }
  const dotted = segments.filter(segment => segment.startsWith('.'));
  const isWellKnown = segments[0] === '.well-known' && dotted.length === 1;
  return { path: `/${segments.join('/')}`, rawPath, query, hidden: dotted.length > 0, isWellKnown };
}

function decodeSegment(raw: string): string | TargetRefusal {
  let segment: string;
  try {
    segment = decodeURIComponent(raw);
  } catch {
    return 400;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\x00-\x1f\x7f/\\]/.test(segment)) return 400;
  if (segment === '.' || segment === '..') return 400;
  if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES) return 404;
  return segment;
}
