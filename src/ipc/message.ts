import type { Aggregate } from '../aggregate/aggregate.ts';
import type { Slice } from '../aggregate/slice.ts';
import { ArgumentError, BoundsError, describe } from '../base/error.ts';
import type { IncomingStream } from './stream/incoming-stream.ts';
import { MAX_HEAD_BYTES, MAX_SLICES } from './wire/frame.ts';
import { isTooDeep, MAX_HEAD_DEPTH } from './wire/head.ts';

/** What JSON can say. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/**
 * What a channel carries: a small structured head, copied as JSON, and an aggregate, passed by reference.
 * The body of a message that was received belongs to the receiver, who releases it.
 */
export interface Message {
  readonly head?: Json;
  readonly body?: Aggregate;
  /** Of a message that the peer sent with sendStream(). To send one yourself, call that. */
  readonly stream?: IncomingStream;
}

/** A message made ready to be sent. Holds a reference of its own to the body. */
export interface Outgoing {
  readonly kind: number;
  readonly correlation: number;
  /** JSON, empty for no head. */
  readonly head: Buffer;
  readonly body: Aggregate | undefined;
  /** The body's. */
  readonly slices: readonly Slice[];
  /** Whoever waits for it, if it could not be written at once. */
  sent?: () => void;
  failed?: (error: Error) => void;
}

const NO_HEAD = Buffer.alloc(0);

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
  if (bytes.length > MAX_HEAD_BYTES) {
    throw new BoundsError(
      `Cannot send message: at most ${MAX_HEAD_BYTES} bytes of head are wanted, ${bytes.length} were given`,
    );
  }
  if (isTooDeep(bytes)) {
    throw new BoundsError(
      `Cannot send message: a head nested at most ${MAX_HEAD_DEPTH} deep is wanted, a deeper one was given`,
    );
  }
  return bytes;
}

/** @throws ERR_IOLITE_RANGE when a body has more slices than a message can name */
export function checkSliceCount(count: number): void {
  if (count <= MAX_SLICES) return;
  throw new BoundsError(
    `Cannot send message: at most ${MAX_SLICES} slices are wanted, ${count} were given; ` +
      'compact() the body first',
  );
}
