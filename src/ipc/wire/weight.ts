import { IoliteError } from '../../base/error.ts';

/**
 * What a message weighs: an upper estimate of the bytes that it takes in the memory of whoever receives it,
 * the pages of its body aside. Text of `[{},{},...]` takes twenty times its length there. Both sides of a
 * channel reckon alike, as docs/protocol.md says.
 */

/** How deep arrays and objects of a head may be nested: what works on them recursively must not overflow. */
export const MAX_HEAD_LEVELS = 512;
/**
 * How many names of members a head may have, each counted as often as it comes: one that is new in its place
 * costs whoever parses it a microsecond, whatever it weighs, and nothing interrupts JSON.parse().
 */
export const MAX_HEAD_NAMES = 40_000;

/** A message of more than this is heavy. A thousand others are no burden. */
export const HEAVY_BYTES = 32 * 1024;
/**
 * A heavy message is sent only while those that were not consumed weigh less than this. No head weighs more.
 */
export const MAX_HEAVY_BYTES = 32 * 1024 ** 2;

const MESSAGE_BYTES = 512;
const SLICE_WEIGHT_BYTES = 128;
/** Heads of up to this length are not looked at: each of their bytes weighs as the worst do. */
const SHORT_HEAD_BYTES = 512;
const SHORT_HEAD_FACTOR_BYTES = 32;
const CHARACTER_BYTES = 2;
const CONTAINER_BYTES = 64;
/** Containers that are nested deeper weigh twice as much: they take much longer to read. */
const DEEP_LEVEL = 32;
const MEMBER_BYTES = 128;
const ELEMENT_BYTES = 16;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
/** '[' and '{', ']' and '}' differ in this bit only. */
const CURLY = 0x20;
const OPEN = 0x5b;
const CLOSE = 0x5d;

/** What a message weighs. @param head what its head does @param slices how many its body has */
export function weightOfMessage(head: number, slices: number): number {
  return MESSAGE_BYTES + head + slices * SLICE_WEIGHT_BYTES;
}

/**
 * What a head weighs, as JSON in UTF-8. A nanosecond a byte, and nothing for a short one.
 * @returns infinity when it is nested deeper than {@link MAX_HEAD_LEVELS}, or has more names than
 *   {@link MAX_HEAD_NAMES}
 */
export function weightOfHead(json: Buffer, start = 0, end = json.length): number {
  const length = end - start;
  if (length <= SHORT_HEAD_BYTES) return length * SHORT_HEAD_FACTOR_BYTES;
  let weight = length * CHARACTER_BYTES;
  let depth = 0;
  let names = 0;
  let quoted = false;
  for (let at = start; at < end; at++) {
    const byte = json[at] as number;
    if (quoted) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) quoted = true;
    else if (byte === COMMA) weight += ELEMENT_BYTES;
    else if (byte === COLON) names += 1;
    else if ((byte & ~CURLY) === OPEN) {
      weight += depth < DEEP_LEVEL ? CONTAINER_BYTES : 2 * CONTAINER_BYTES;
      depth += 1;
      if (depth > MAX_HEAD_LEVELS) return Number.POSITIVE_INFINITY;
    } else if ((byte & ~CURLY) === CLOSE) depth -= 1;
  }
  return names > MAX_HEAD_NAMES ? Number.POSITIVE_INFINITY : weight + names * MEMBER_BYTES;
}

/** The error of a peer whose messages, not consumed, weigh too much. */
export function heavyLimitError(): IoliteError {
  return new IoliteError(
    'ERR_IOLITE_LIMIT',
    `The peer sent more while messages that weigh ${MAX_HEAVY_BYTES} bytes here were not consumed`,
  );
}
