import { Readable } from 'node:stream';
import type { Aggregate } from '../../aggregate/aggregate.ts';
import { IoliteError } from '../../base/error.ts';
import { invariant } from '../../base/invariant.ts';
import { CHANNEL_WINDOW, type StreamWindow } from '../flow/stream-window.ts';
import { protocolError } from '../wire/frame.ts';

/** What an incoming stream tells its channel. */
export interface IncomingStreamHost {
  /** The program has consumed something: the peer is to be told, sooner or later. */
  consumed(stream: IncomingStream): void;
  /** The program wants no more. */
  stopped(stream: IncomingStream, reason: unknown): void;
}

/** Bytes that a node stream is given at once. */
const COPY_BYTES = 64 * 1024;

/**
 * A stream that the peer sends, to be read once. The reader releases each aggregate; reading is what lets
 * the peer send more. To break off the iteration ends the stream at the peer too, whose sendStream()
 * rejects.
 */
export class IncomingStream implements AsyncIterableIterator<Aggregate> {
  /** Its number on the channel. */
  readonly id: number;
  readonly #host: IncomingStreamHost;
  readonly #window: StreamWindow;
  readonly #pieces: Aggregate[] = [];
  readonly #waiters: {
    resolve: (result: IteratorResult<Aggregate, undefined>) => void;
    reject: (error: Error) => void;
  }[] = [];
  /** Bytes of pieces that wait here. */
  #bytes = 0;
  #consumedCount = 0;
  /** No piece follows those that are here. */
  #end: { readonly error: Error | undefined } | undefined;
  #over = false;

  /** Made by the channel. */
  constructor(id: number, host: IncomingStreamHost, window: StreamWindow = CHANNEL_WINDOW) {
    this.id = id;
    this.#host = host;
    this.#window = window;
  }

  /** Pieces consumed by the program, its end included, modulo 2^32. */
  get consumedCount(): number {
    return this.#consumedCount;
  }

  /** Whether nothing more is to be had: it was read to its end, failed or was cancelled. */
  get over(): boolean {
    return this.#over;
  }

  /** Its pieces in order, each for the consumer to release. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * The next aggregate, which the caller releases.
   * @throws what the stream failed with at the peer, with its code; ERR_IOLITE_PEER; ERR_IOLITE_CLOSED
   */
  next(): Promise<IteratorResult<Aggregate, undefined>> {
    const piece = this.#pieces.shift();
    if (piece !== undefined) {
      this.#bytes -= piece.length;
      invariant(this.#bytes >= 0, 'bytes that wait are those of pieces that do');
      this.#consume();
      return Promise.resolve({ value: piece, done: false });
    }
    if (this.#end === undefined) {
      return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
    }
    return this.#finish();
  }

  /** What ends a loop early: see {@link cancel}. */
  return(): Promise<IteratorResult<Aggregate, undefined>> {
    this.cancel();
    return Promise.resolve({ value: undefined, done: true });
  }

  /**
   * Wants no more: what is here is released, and the peer told. Does nothing at the end.
   * @param reason its code and message are what the peer's sendStream() rejects with
   */
  cancel(reason?: unknown): void {
    if (this.#over) return;
    this.#host.stopped(this, reason);
    this.fail(reason instanceof Error ? reason : streamCancelledError());
  }

  /** For `await using`: see {@link cancel}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
  }

  /**
   * A node stream of the bytes, which takes this one over. Bytes are copied as they are read (see
   * Aggregate.toReadable); to destroy it ends the stream at the peer too.
   */
  toReadable(): Readable {
    const readable = Readable.from(this.#copies(), { objectMode: false, highWaterMark: COPY_BYTES });
    return readable.once('close', () => this.cancel(readable.errored ?? undefined));
  }

  /** The channel's call: a piece came. @throws ERR_IOLITE_PROTOCOL when there was no room for it */
  push(piece: Aggregate): void {
    if (this.#end !== undefined || this.#over) {
      piece.release();
      return;
    }
    if (this.#pieces.length >= this.#window.pieces || this.#bytes >= this.#window.bytes) {
      piece.release();
      throw protocolError('it sent more of a stream than it had credit for');
    }
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      this.#pieces.push(piece);
      this.#bytes += piece.length;
      return;
    }
    this.#consume();
    waiter.resolve({ value: piece, done: false });
  }

  /** The channel's call: the stream is complete. */
  complete(): void {
    this.#end ??= { error: undefined };
    for (const { resolve, reject } of this.#waiters.splice(0)) this.#finish().then(resolve, reject);
  }

  /** The channel's call: the stream ended early. What was not read is released. */
  fail(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#end = { error };
    this.#bytes = 0;
    for (const piece of this.#pieces.splice(0)) piece.release();
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }

  #finish(): Promise<IteratorResult<Aggregate, undefined>> {
    if (this.#end?.error !== undefined) return Promise.reject(this.#end.error);
    if (!this.#over) {
      this.#over = true;
      this.#consume();
    }
    return Promise.resolve({ value: undefined, done: true });
  }

  #consume(): void {
    this.#consumedCount = (this.#consumedCount + 1) >>> 0;
    this.#host.consumed(this);
  }

  async *#copies(): AsyncGenerator<Buffer> {
    for await (const piece of this) {
      try {
        for (let at = 0; at < piece.length; at += COPY_BYTES) {
          const copy = Buffer.allocUnsafe(Math.min(COPY_BYTES, piece.length - at));
          piece.copyTo(copy, 0, at, at + copy.length);
          yield copy;
        }
      } finally {
        piece.release();
      }
    }
  }
}

function streamCancelledError(): IoliteError {
  return new IoliteError('ERR_IOLITE_CLOSED', 'Cannot read stream: it was cancelled');
}
