import { isUtf8 } from 'node:buffer';
import { BytesMemo } from '../../base/bytes-memo.ts';
import { ArgumentError, BoundsError, describe } from '../../base/error.ts';
import type { Json } from '../../base/json.ts';
import { MAX_MESSAGE_HEAD_BYTES, protocolError } from './frame.ts';
import { MAX_HEAD_LEVELS, MAX_HEAD_NAMES, MAX_HEAVY_BYTES, weightOfHead } from './weight.ts';

/** Heads that a {@link HeadMemo} keeps at most. */
const MEMO_SLOTS = 512;
/** Longer heads are parsed each time: what is kept stays within a few megabytes. */
const MAX_MEMO_BYTES = 2048;

const NO_HEAD = Buffer.alloc(0);

/** What constant heads are in bytes. */
const encodings = new WeakMap<object, Buffer>();

/**
 * The head as it is sent. @throws ERR_IOLITE_ARGUMENT when JSON cannot say it, ERR_IOLITE_RANGE above 1 MiB
 * or when it is nested too deep, has too many names, or weighs too much
 */
export function encodeHead(head: Json | undefined): Buffer {
  const bytes = encode(head);
  weightToSend(bytes);
  return bytes;
}

function encode(head: Json | undefined): Buffer {
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
  return bytes;
}

/** What a head that is to be sent weighs. @throws ERR_IOLITE_RANGE: too much, too deep, too many names */
export function weightToSend(head: Buffer): number {
  const weight = weightOfHead(head);
  if (weight <= MAX_HEAVY_BYTES) return weight;
  if (weight !== Number.POSITIVE_INFINITY) {
    throw new BoundsError(
      `Cannot send message: a head that weighs at most ${MAX_HEAVY_BYTES} bytes in memory is wanted, ` +
        `one of ${weight} was given`,
    );
  }
  throw new BoundsError(
    `Cannot send message: a head nested at most ${MAX_HEAD_LEVELS} deep, with at most ${MAX_HEAD_NAMES} ` +
      'names of members, is wanted, a deeper one or one of more was given',
  );
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

/**
 * A head as it is now, encoded: what stands for it in messages, whatever becomes of the object later.
 * @throws as {@link constantHead}
 */
export function copiedHead(head: Json): Json & object {
  const copy = {};
  encodings.set(copy, encodeHead(head));
  return copy;
}

/** The bytes of a head, as {@link encodeHead}, nested as it may be: those of a constant one are there. */
export function bytesOfHead(head: Json | undefined): Buffer {
  return (typeof head === 'object' && head !== null && encodings.get(head)) || encode(head);
}

/** What a head that came weighs. @throws ERR_IOLITE_PROTOCOL: too much, too deep, too many names */
export function weigh(bytes: Buffer, start: number, end: number): number {
  const weight = weightOfHead(bytes, start, end);
  if (weight <= MAX_HEAVY_BYTES) return weight;
  if (weight !== Number.POSITIVE_INFINITY) {
    throw protocolError(`the head of a message weighs ${weight} bytes, ${MAX_HEAVY_BYTES} is the most`);
  }
  throw protocolError(
    `the head of a message is nested more than ${MAX_HEAD_LEVELS} deep, or has more than ` +
      `${MAX_HEAD_NAMES} names of members`,
  );
}

/** A head as it came. @throws ERR_IOLITE_PROTOCOL unless it is JSON in UTF-8 that may be parsed */
export function parseHead(bytes: Buffer, start: number, end: number): Json {
  weigh(bytes, start, end);
  return parseWeighed(bytes, start, end);
}

/** As {@link parseHead}, of a head that was weighed. */
export function parseWeighed(bytes: Buffer, start: number, end: number): Json {
  const head = bytes.subarray(start, end);
  if (!isUtf8(head)) throw protocolError('the head of a message is not UTF-8');
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

  /** As {@link parseWeighed}; one of up to 2 KiB is frozen, and mostly the same object for the same bytes. */
  parse(bytes: Buffer, start: number, end: number): Json {
    return this.#known.recall(bytes, start, end) as Json;
  }
}

function parseFrozen(bytes: Buffer, start: number, end: number): Json {
  const head = parseWeighed(bytes, start, end);
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
