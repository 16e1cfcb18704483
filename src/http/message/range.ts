import parseRange from 'range-parser';

/** Bytes of a representation. */
export interface ByteRange {
  readonly start: number;
  /** The byte after the last. */
  readonly end: number;
}

/** More of them in one field are no reader's; they make the server work (RFC 9110, 14.2). */
const MAX_RANGES = 64;

/** Each asks for bytes from one place on, or to another, or for so many of the last. */
const SPEC = '[ \\t]*(?:\\d+-\\d*|-\\d+)[ \\t]*';
const FIELD = new RegExp(`^bytes=${SPEC}(?:,${SPEC})*$`, 'i');

/**
 * The parts that a Range field (RFC 9110, 14.2) asks for: in the order asked, those that overlap or touch
 * joined. So all of them together are never more than the whole.
 * @param size of the representation in bytes
 * @returns an empty list when none can be satisfied (416); undefined when the field is to be ignored, because
 *   it is absent, in another unit, not well-formed, or asks for more than 64 ranges
 */
export function parseRanges(field: string | undefined, size: number): ByteRange[] | undefined {
  if (field === undefined || !FIELD.test(field)) return undefined;
  const specs = field.slice(field.indexOf('=') + 1);
  if (specs.split(',', MAX_RANGES + 1).length > MAX_RANGES) return undefined;
  const ranges = parseRange(size, `bytes=${clampSuffixes(specs, size)}`);
  if (ranges === -1) return [];
  if (ranges === -2) return undefined;
  return joined(ranges.map(({ start, end }) => ({ start, end: end + 1 })));
}

/** The value of Content-Range (RFC 9110, 14.4). */
export function contentRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end - 1}/${size}`;
}

/**
 * A suffix longer than the representation is all of it (RFC 9110, 14.1.2). The parser takes it for one that
 * cannot be satisfied.
 */
function clampSuffixes(specs: string, size: number): string {
  return specs.replace(
    /(^|,)\s*-(\d+)/g,
    (_, before: string, length: string) => `${before}-${Math.min(Number(length), size)}`,
  );
}

/** Each with all that it overlaps or touches, in the place of the first of them. */
function joined(ranges: readonly ByteRange[]): ByteRange[] {
  const byStart = ranges.map(({ start, end }, place) => ({ start, end, place }));
  byStart.sort((a, b) => a.start - b.start);
  const groups: { start: number; end: number; place: number }[] = [];
  for (const range of byStart) {
    const last = groups.at(-1);
    if (last === undefined || range.start > last.end) {
      groups.push(range);
      continue;
    }
    last.end = Math.max(last.end, range.end);
    last.place = Math.min(last.place, range.place);
  }
  groups.sort((a, b) => a.place - b.place);
  return groups.map(({ start, end }) => ({ start, end }));
}
