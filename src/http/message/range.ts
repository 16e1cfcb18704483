import parseRange from 'range-parser';

/** Bytes of a representation. */
export interface ByteRange {
  readonly start: number;
  /** The byte after the last. */
  readonly end: number;
}

/** More of them in one field are no reader's; they make the server work (RFC 9110, 14.2). */
const MAX_RANGES = 64;

/**
 * The parts that a Range field (RFC 9110, 14.2) asks for: in the order asked, those that overlap or touch
 * joined. So all of them together are never more than the whole.
 * @param size of the representation in bytes
 * @returns an empty list when none can be satisfied (416); undefined when the field is to be ignored, because
 *   it is absent, in another unit, not well-formed, or asks for more than 64 ranges
 */
export function parseRanges(field: string | undefined, size: number): ByteRange[] | undefined {
  if (field === undefined || !/^bytes=/i.test(field)) return undefined;
  const specs = field.slice(field.indexOf('=') + 1);
  if (specs.split(',', MAX_RANGES + 1).length > MAX_RANGES) return undefined;
  const ranges = parseRange(size, `bytes=${clampSuffixes(specs, size)}`, { combine: true });
  if (ranges === -1) return [];
  if (ranges === -2) return undefined;
  return ranges.map(({ start, end }) => ({ start, end: end + 1 }));
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
