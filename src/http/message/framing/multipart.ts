import { randomBytes } from 'node:crypto';
import { type ByteRange, contentRange } from '../range.ts';

/** Several ranges of a representation in one body (RFC 9110, 14.6). */
export interface MultipartRanges {
  /** With the boundary. */
  readonly mediaType: string;
  /** Bytes of the body. */
  readonly length: number;
  /** The body in order: heads of the parts, which are ASCII, and the ranges themselves. */
  readonly pieces: readonly (string | ByteRange)[];
}

/**
 * Frames ranges as multipart/byteranges.
 * @param mediaType of the representation
 * @param size of the representation in bytes
 */
export function frameRanges(ranges: readonly ByteRange[], mediaType: string, size: number): MultipartRanges {
  // Random, so that no content can have been made to hold it.
  const boundary = randomBytes(18).toString('base64url');
  const pieces: (string | ByteRange)[] = [];
  for (const [index, range] of ranges.entries()) {
    const head = `Content-Type: ${mediaType}\r\nContent-Range: ${contentRange(range, size)}`;
    pieces.push(`${index === 0 ? '' : '\r\n'}--${boundary}\r\n${head}\r\n\r\n`, range);
  }
  pieces.push(`\r\n--${boundary}--\r\n`);
  const length = pieces.reduce(
    (sum, piece) => sum + (typeof piece === 'string' ? piece.length : piece.end - piece.start),
    0,
  );
  return { mediaType: `multipart/byteranges; boundary=${boundary}`, length, pieces };
}
