import type { ReadableByteStreamController } from 'node:stream/web';
import { checkInteger } from '../../base/error.ts';
import type { ByteSequence } from '../byte-sequence.ts';
import { checkOptions, checkSignal } from './stream-options.ts';

/** Options of {@link Aggregate.toReadableStream}. */
export interface ToReadableStreamOptions {
  /**
   * Most bytes that are copied ahead of the consumer. Default 0: nothing is copied before it is asked for.
   */
  readonly highWaterMark?: number | undefined;
  /** Fails the stream, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What a reader that brings no room of its own gets at once. */
const PIECE_BYTES = 64 * 1024;

/** See {@link Aggregate.toReadableStream}. */
export function readableStreamOf(
  sequence: ByteSequence,
  options: ToReadableStreamOptions = {},
): ReadableStream<Uint8Array> {
  checkOptions(options, 'make stream');
  const { highWaterMark = 0, signal } = options;
  checkInteger(highWaterMark, 'highWaterMark', 0, Number.MAX_SAFE_INTEGER);
  checkSignal(signal, 'make stream');
  const source = new ByteSource(sequence.duplicate(), signal);
  return new ReadableStream(source, { highWaterMark });
}

/** The underlying source of one stream. */
class ByteSource {
  readonly type = 'bytes';
  readonly #held: ByteSequence;
  readonly #signal: AbortSignal | undefined;
  #position = 0;
  #onAbort = (): void => {};

  /** Takes the sequence over. */
  constructor(held: ByteSequence, signal: AbortSignal | undefined) {
    this.#held = held;
    this.#signal = signal;
  }

  start(controller: ReadableByteStreamController): void {
    this.#onAbort = () => {
      this.cancel();
      controller.error(this.#signal?.reason);
    };
    if (this.#signal?.aborted) this.#onAbort();
    else if (this.#held.length === 0) this.#close(controller);
    else this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  pull(controller: ReadableByteStreamController): void {
    const { byobRequest, desiredSize } = controller;
    const held = this.#held;
    const start = this.#position;
    if (byobRequest?.view) {
      const { buffer, byteOffset, byteLength } = byobRequest.view;
      this.#position += held.copyTo(new Uint8Array(buffer, byteOffset, byteLength), 0, start);
      byobRequest.respond(this.#position - start);
    } else {
      // Its ArrayBuffer goes with it: no part of Node's pool of small Buffers.
      const piece = Buffer.allocUnsafeSlow(Math.min(held.length - start, desiredSize || PIECE_BYTES));
      this.#position += held.copyTo(piece, 0, start);
      controller.enqueue(piece);
    }
    if (this.#position === held.length) this.#close(controller);
  }

  /** Also when the consumer has cancelled the stream. */
  cancel(): void {
    this.#held[Symbol.dispose]();
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  #close(controller: ReadableByteStreamController): void {
    this.cancel();
    controller.close();
    // Reads that wait with room of their own end with this.
    controller.byobRequest?.respond(0);
  }
}
