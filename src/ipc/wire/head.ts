import { isUtf8 } from 'node:buffer';
import { BytesMemo } from '../../base/bytes-memo.ts';
import { ArgumentError, BoundsError, describe } from '../../base/error.ts';
import type { Json } from '../../base/json.ts';
import { MAX_MESSAGE_HEAD_BYTES, protocolError } from './frame.ts';

/**
 * How deep arrays and objects of a head may be nested: what works on them recursively must not overflow the
 * stack.
 */
export const MAX_HEAD_LEVELS = 512;

/** Heads that a {@link HeadMemo} keeps at most. */
const MEMO_SLOTS = 512;
/** Longer heads are parsed each time: what is kept stays within a few megabytes. */
const MAX_MEMO_BYTES = 2048;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** '[' and '{', ']' and '}' differ in this bit only. */
const CURLY = 0x20;
const OPEN = 0x5b;
const CLOSE = 0x5d;

const NO_HEAD = Buffer.alloc(0);

/** What constant heads are in bytes. */
const encodings = new WeakMap<object, Buffer>();

/**
 * The head as it is sent. @throws ERR_IOLITE_ARGUMENT when JSON cannot say it, ERR_IOLITE_RANGE above 1 MiB
 */
export function encodeHead(head: Json | undefined): Buffer {
  if (head === undefined) return NO_HEAD;
  let text: string | undefined;
  try {
    text = JSON.stringify(head);
  } catch (cause) {
    throw new ArgumentError(`Cannot send message: its head is no JSON: ${(cause as Error).message}`);
  }
  if (text === undefined)
    throw new ArgumentError(`Cannot send message: JSON is wanted as head, ${describe(head)} was given`);
  const bytes = Buffer.from(text);
  if (bytes.length > MAX_MESSAGE_HEAD_BYTES) {
    throw new BoundsError(
      `Cannot send message: at most ${MAX_MESSAGE_HEAD_BYTES} bytes of head are wanted, ` +
        `${bytes.length} were given`,
    );
  }
  if (isTooDeep(bytes)) {
    throw new BoundsError(
      `Cannot send message: a head nested at most ${MAX_HEAD_LEVELS} deep is wanted, a deeper one was given`,
    );
  }
  return bytes;
}

/**
 * Makes a head of messages one that is sent many times: frozen, with all that it holds, and encoded as JSON
 * once, now.
 * @returns the same object
 * @throws ERR_IOLITE_ARGUMENT when JSON cannot say it, ERR_IOLITE_RANGE above 1 MiB
 */
export function constantHead<T extends Json & object>(head: T): T {
  const bytes = encodeHead(head);
  freeze(head);
  encodings.set(head, bytes);
  return head;
}

/** The bytes of a head, as {@link encodeHead}: those of a constant one are there. */
export function bytesOfHead(head: Json | undefined): Buffer {
  return (typeof head === 'object' && head !== null && encodings.get(head)) || encodeHead(head);
}

/** A head as it came. @throws ERR_IOLITE_PROTOCOL unless it is JSON in UTF-8, not too deeply nested */
export function parseHead(bytes: Buffer, start: number, end: number): Json {
  const head = bytes.subarray(start, end);
  if (!isUtf8(head)) throw protocolError('the head of a message is not UTF-8');
  if (isTooDeep(head)) {
    throw protocolError(`the head of a message is nested more than ${MAX_HEAD_LEVELS} deep`);
  }
  try {
    return JSON.parse(head.toString());
  } catch {
    throw protocolError('the head of a message is not JSON');
  }
}

/**
 * Heads by their bytes: the reading of one that came before is a comparison, and what is made of one can be
 * kept with it.
 */
export class HeadMemo {
  readonly #known = new BytesMemo<Json>(MEMO_SLOTS, MAX_MEMO_BYTES, parseFrozen);

  /** As {@link parseHead}; one of up to 2 KiB is frozen, and mostly the same object for the same bytes. */
  parse(bytes: Buffer, start: number, end: number): Json {
    return this.#known.recall(bytes, start, end) as Json;
  }
}

function parseFrozen(bytes: Buffer, start: number, end: number): Json {
  const head = parseHead(bytes, start, end);
  if (end - start <= MAX_MEMO_BYTES) freeze(head);
  return head;
}

/**
 * Freezes a head and all that it holds. It is not nested too deep for that: see {@link MAX_HEAD_LEVELS}.
 * @throws ERR_IOLITE_ARGUMENT for bytes, which cannot be frozen
 */
function freeze(head: Json): void {
  if (typeof head !== 'object' || head === null) return;
  if (ArrayBuffer.isView(head)) {
    throw new ArgumentError(`Cannot make a head constant: JSON is wanted, ${describe(head)} was given`);
  }
  for (const part of Object.values(head)) freeze(part as Json);
  Object.freeze(head);
}

/** Whether JSON in UTF-8 is nested deeper than a head may be. Short heads cost nothing. */
function isTooDeep(json: Buffer): boolean {
  if (json.length <= MAX_HEAD_LEVELS) return false;
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] as number;
    if (quoted) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) quoted = true;
    else if ((byte & ~CURLY) === OPEN) {
      depth += 1;
      if (depth > MAX_HEAD_LEVELS) return true;
    } else if ((byte & ~CURLY) === CLOSE) depth -= 1;
  }
  return false;
}
