import { crc32 } from 'node:zlib';
import type { Aggregate } from '../src/aggregate/aggregate.ts';
import type { Pool } from '../src/aggregate/pool.ts';
import { SeededRandom } from '../src/base/seeded-random.ts';

/**
 * What a record says of itself at its beginning, and what whoever sends it says of it besides, by another
 * way: who made it, in which of its lives, which one it is, how long it is with its header, and the CRC-32 of
 * all that follows the check.
 */
export interface Stamp {
  readonly source: number;
  readonly version: number;
  readonly sequence: number;
  readonly length: number;
  readonly check: number;
}

/** `magic check source version sequence length`, each of four bytes. */
const HEADER_BYTES = 24;
const CHECKED_AT = 8;
const MAGIC = 0x107c4a05;
const NOISE_BYTES = 256 * 1024;

/** The shortest record. */
export const LEAST_RECORD_BYTES = HEADER_BYTES;

const noise = makeNoise();

function makeNoise(): Buffer {
  const bytes = Buffer.alloc(NOISE_BYTES);
  const random = new SeededRandom(NOISE_BYTES);
  for (let at = 0; at < NOISE_BYTES; at += 2) bytes.writeUInt16LE(random.uniform() * 2 ** 16, at);
  return bytes;
}

/** Fills some bytes with a record. @returns what is to be said of it */
export function fillRecord(
  bytes: Uint8Array,
  { source, version, sequence }: Omit<Stamp, 'check' | 'length'>,
): Stamp {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { length } = buffer;
  // No two records are alike, not even where they have the same place.
  let from = (Math.imul(sequence, 0x9e3779b1) ^ Math.imul(source, 0x85ebca6b)) >>> 0;
  for (let at = HEADER_BYTES; at < length; ) {
    const start = from % (NOISE_BYTES / 2);
    at += noise.copy(buffer, at, start, start + NOISE_BYTES / 2);
    from += 0x1f35;
  }
  for (const [place, word] of [MAGIC, 0, source, version, sequence, length].entries())
    buffer.writeUInt32LE(word, 4 * place);
  const check = crc32(buffer.subarray(CHECKED_AT));
  buffer.writeUInt32LE(check, 4);
  return { source, version, sequence, length, check };
}

/** A record in memory of a pool. The caller releases it. @throws as pool.allocate() */
export function makeRecord(
  pool: Pool,
  length: number,
  origin: Omit<Stamp, 'check' | 'length'>,
): { body: Aggregate; stamp: Stamp } {
  const draft = pool.allocate(length);
  const stamp = fillRecord(draft.bytes, origin);
  return { body: draft.seal(), stamp };
}

/** What is wrong with a body, which ought to be these records one behind the other. Undefined: nothing. */
export function faultOf(body: Aggregate, stamps: readonly Stamp[]): string | undefined {
  const length = stamps.reduce((sum, stamp) => sum + stamp.length, 0);
  if (body.length !== length) return `${body.length} bytes in place of ${length}`;
  let at = 0;
  for (const stamp of stamps) {
    const record = body.slice(at, at + stamp.length);
    try {
      const fault = recordFault(record.views(), stamp);
      if (fault !== undefined) return `record ${stamp.sequence} of ${stamp.source}, at ${at}: ${fault}`;
    } finally {
      record.release();
    }
    at += stamp.length;
  }
  return undefined;
}

/** What is wrong with the bytes of a record. */
export function recordFault(views: readonly Uint8Array[], stamp: Stamp): string | undefined {
  const isWhole = (views[0]?.length ?? 0) >= HEADER_BYTES;
  const [first = Buffer.alloc(0), ...others] = isWhole ? views : [Buffer.concat(views)];
  if (first.length < HEADER_BYTES) return 'it is shorter than its header';
  const words = new DataView(first.buffer, first.byteOffset, HEADER_BYTES);
  const wanted = [MAGIC, stamp.check, stamp.source, stamp.version, stamp.sequence, stamp.length];
  for (const [place, word] of wanted.entries()) {
    const found = words.getUint32(4 * place, true);
    if (found !== word >>> 0) return `word ${place} of its header is ${found}, ${word >>> 0} is right`;
  }
  let check = crc32(first.subarray(CHECKED_AT));
  for (const view of others) check = crc32(view, check);
  return check === stamp.check ? undefined : `its check is ${check}, ${stamp.check} is right`;
}

/** What a record says of itself. Undefined for what is too short to be one. */
export function stampIn(bytes: Uint8Array): Stamp | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const words = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const word = (place: number): number => words.getUint32(4 * place, true);
  return { check: word(1), source: word(2), version: word(3), sequence: word(4), length: bytes.length };
}
