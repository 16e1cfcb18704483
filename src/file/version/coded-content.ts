import * as zlib from 'node:zlib';

/** Content codings, as HTTP names them, that a content may be there in. */
export type CheckedCoding = 'br' | 'gzip' | 'zstd';

type Decoder = (options: { readonly chunkSize: number }) => zlib.Gunzip | zlib.BrotliDecompress;

/** What is decoded, and compared, at once. */
const MAX_STEP_BYTES = 256 * 1024;
/** Least that zlib takes. */
const MIN_STEP_BYTES = 64;
/** CRC-32 and length of what a gzip member is of (RFC 1952, 2.3.1). */
const TRAILER_BYTES = 8;

/** Node.js has zstd from 22.15 on. */
const { createZstdDecompress } = zlib as { readonly createZstdDecompress?: Decoder };

const DECODERS: { readonly [coding in CheckedCoding]: Decoder | undefined } = {
  br: zlib.createBrotliDecompress,
  gzip: zlib.createGunzip,
  zstd: createZstdDecompress,
};

/**
 * Whether coded bytes are a content in this coding: all of it, and nothing else. For gzip the CRC-32 and
 * length at their end tell (0.2 ms a MiB). What does not tell by itself is decoded, outside of the event
 * loop, up to the first byte that differs, so that no more is decoded than the content has: 0.2 ms for 20 kB,
 * 2 ms a MiB of brotli. What this Node.js cannot decode is taken for nobody's.
 * @param content pieces one behind the other, which nobody changes or releases meanwhile
 */
export async function isCodingOf(
  coding: CheckedCoding,
  coded: Buffer,
  content: readonly Uint8Array[],
): Promise<boolean> {
  if (coding === 'gzip' && hasTrailerOf(coded, content)) return true;
  const create = DECODERS[coding];
  if (create === undefined) return false;
  const length = lengthOf(content);
  // One byte more than there is to be shows that there is more.
  const chunkSize = Math.max(MIN_STEP_BYTES, Math.min(MAX_STEP_BYTES, length + 1));
  const decoder = create({ chunkSize });
  decoder.end(coded);
  const comparison = new Comparison(content);
  try {
    for await (const part of decoder as AsyncIterable<Buffer>) {
      if (!comparison.goesOn(part)) return false;
    }
    return comparison.position === length;
  } catch {
    // It is no such coding, or is cut off.
    return false;
  } finally {
    decoder.destroy();
  }
}

/** A file of several members has the trailer of the last one, and does not tell. */
function hasTrailerOf(coded: Buffer, content: readonly Uint8Array[]): boolean {
  if (coded.length < TRAILER_BYTES) return false;
  const trailer = coded.subarray(-TRAILER_BYTES);
  if (trailer.readUInt32LE(4) !== lengthOf(content) % 2 ** 32) return false;
  return trailer.readUInt32LE(0) === content.reduce((sum, bytes) => zlib.crc32(bytes, sum), 0);
}

function lengthOf(content: readonly Uint8Array[]): number {
  return content.reduce((sum, { length }) => sum + length, 0);
}

/** Compares bytes that come in parts with pieces that are cut elsewhere. */
class Comparison {
  position = 0;
  readonly #pieces: readonly Uint8Array[];
  #index = 0;
  /** In the piece. */
  #at = 0;

  constructor(pieces: readonly Uint8Array[]) {
    this.#pieces = pieces;
  }

  /** Whether a part is what comes next. */
  goesOn(part: Buffer): boolean {
    for (let from = 0; from < part.length; ) {
      const piece = this.#pieces[this.#index];
      if (piece === undefined) return false;
      const length = Math.min(part.length - from, piece.length - this.#at);
      const same = part.subarray(from, from + length).equals(piece.subarray(this.#at, this.#at + length));
      if (!same) return false;
      from += length;
      this.#at += length;
      if (this.#at < piece.length) continue;
      this.#index += 1;
      this.#at = 0;
    }
    this.position += part.length;
    return true;
  }
}
