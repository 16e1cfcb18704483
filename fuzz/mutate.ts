import type { Random } from './random.ts';

/** No case is longer: what is slow by its length alone is no find. */
export const MAX_CASE_BYTES = 16 * 1024;

/** Bytes that mean something in most of what is parsed. */
const BYTES = [0, 1, 9, 10, 13, 32, 34, 44, 45, 48, 57, 58, 59, 61, 92, 0x7f, 0x80, 0xff];
const NUMBERS = [0, 1, 2, 15, 16, 63, 64, 255, 256, 1024, 16_384, 16_385, 65_535, 0x7fff_ffff, 0xffff_ffff];

type Change = (bytes: Buffer, random: Random, tokens: readonly Buffer[], other: Buffer) => Buffer;

const CHANGES: readonly Change[] = [
  (bytes, random) => {
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
    return bytes;
  },
  (bytes, random) => {
    bytes[random.below(bytes.length)] = random.chance(0.7) ? random.pick(BYTES) : random.below(256);
    return bytes;
  },
  (bytes, random) => replaced(bytes, random.below(bytes.length + 1), 0, Buffer.of(random.pick(BYTES))),
  (bytes, random) => replaced(bytes, random.below(bytes.length), 1 + random.size(16), Buffer.alloc(0)),
  (bytes, random) => {
    const [start, length] = [random.below(bytes.length), 1 + random.size(64)];
    return replaced(bytes, random.below(bytes.length + 1), 0, bytes.subarray(start, start + length));
  },
  (bytes, random, tokens) => replaced(bytes, random.below(bytes.length + 1), 0, random.pick(tokens)),
  (bytes, random, tokens) => replacedToken(bytes, random, tokens),
  (bytes, random) => number(bytes, random),
  (bytes, random) => digits(bytes, random),
  (bytes, random, _, other) => {
    const [start, length] = [random.below(other.length + 1), 1 + random.size(other.length)];
    const place = random.below(bytes.length + 1);
    return replaced(bytes, place, random.size(bytes.length), other.subarray(start, start + length));
  },
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
];

/**
 * Changes bytes in one to five ways.
 * @param bytes are left as they are
 * @param other case, of which parts may be taken
 */
export function mutate(bytes: Buffer, random: Random, tokens: readonly Buffer[], other: Buffer): Buffer {
  let changed: Buffer = Buffer.from(bytes);
  const count = 1 + random.size(5);
  for (let i = 0; i < count; i++) {
    if (changed.length === 0) changed = Buffer.from(random.pick(tokens));
    else changed = random.pick(CHANGES)(changed, random, tokens, other);
  }
  return changed.subarray(0, MAX_CASE_BYTES);
}

function replaced(bytes: Buffer, at: number, length: number, by: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + length)]);
}

/** Another token in the place of one that is there. */
function replacedToken(bytes: Buffer, random: Random, tokens: readonly Buffer[]): Buffer {
  const first = random.below(tokens.length);
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[(first + i) % tokens.length] as Buffer;
    const at = token.length === 0 ? -1 : bytes.indexOf(token, random.below(bytes.length));
    if (at !== -1) return replaced(bytes, at, token.length, random.pick(tokens));
  }
  return bytes;
}

/** A number of 8, 16, 24 or 32 bits, in either order of bytes. */
function number(bytes: Buffer, random: Random): Buffer {
  const width = 1 + random.below(Math.min(4, bytes.length));
  const at = random.below(bytes.length - width + 1);
  const value = (random.pick(NUMBERS) + (random.chance(0.3) ? random.below(3) - 1 : 0)) >>> 0;
  const low = value % 2 ** (8 * width);
  if (random.chance(0.5)) bytes.writeUIntLE(low, at, width);
  else bytes.writeUIntBE(low, at, width);
  return bytes;
}

/** Another number in the place of one in digits. */
function digits(bytes: Buffer, random: Random): Buffer {
  const runs = [...bytes.toString('latin1').matchAll(/[0-9]+/g)];
  if (runs.length === 0) return bytes;
  const run = random.pick(runs);
  const value = random.chance(0.5) ? random.pick(NUMBERS) : Number(run[0]) + random.below(5) - 2;
  return replaced(bytes, run.index, run[0].length, Buffer.from(String(value)));
}
