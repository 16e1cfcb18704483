import { bufferOver, isBytes } from '../base/bytes.ts';
import { ArgumentError, describe, IoliteError } from '../base/error.ts';
import { ignore } from '../base/ignore.ts';
import { Aggregate } from './aggregate.ts';
import type { Pool } from './pool.ts';
import { Collector } from './stream/collector.ts';
import { BEYOND_BYTES, type FileSource, fileOf } from './stream/file-source.ts';
import type { StreamLike } from './stream/from-stream.ts';
import { checkPool } from './stream/stream-options.ts';
import { type StreamSource, sourceOf } from './stream/stream-source.ts';

/**
 * Read from a file at once: a part of a recycled chunk, or pages and a descriptor of its own in a pool of
 * kind 'seal'.
 */
const READ_BYTES = 64 * 1024;
const READ_SEALED_BYTES = 1024 ** 2;
/** What comes in larger pieces is cut, so that its parts can be under way while others are filled. */
const LARGEST_COPY_BYTES = 1024 ** 2;

/**
 * A stream as aggregates, one by one as they are asked for. Bytes and strings are copied to a pool's buffers,
 * files read into them, aggregates handed on as they are.
 */
export class Pieces {
  readonly #stream: StreamLike;
  readonly #pool: Pool;
  readonly #full: () => Promise<boolean>;
  #source: StreamSource | undefined;
  #file: FileSource | undefined;
  /** Of the last piece of bytes, what did not go into the last aggregate. */
  #rest: Buffer | undefined;
  #pending: Promise<Aggregate | undefined> | undefined;
  #cancelled: { readonly reason: unknown } | undefined;

  /**
   * Reads nothing yet.
   * @param full asked when the pool has no room: whether to try again, once it has answered
   * @throws ERR_IOLITE_ARGUMENT for what is no pool
   */
  constructor(stream: StreamLike, pool: Pool, full: () => Promise<boolean>) {
    checkPool(pool, 'read stream');
    this.#stream = stream;
    this.#pool = pool;
    this.#full = full;
  }

  /**
   * The next aggregate, never empty, which the caller releases; undefined at the end. Not to be called again
   * before it has answered.
   * @throws ERR_IOLITE_ARGUMENT for what is no stream, or no piece of one; what the stream or the pool failed
   *   with
   */
  next(): Promise<Aggregate | undefined> {
    this.#pending = this.#next();
    return this.#pending;
  }

  /** Ends the stream before its end. What is asked for and comes yet is released. Never throws. */
  cancel(reason: unknown): void {
    this.#cancelled = { reason };
    this.#rest = undefined;
    this.#source?.cancel(reason);
    this.#file?.cancel();
    this.#pending?.then(piece => piece?.[Symbol.dispose](), ignore);
  }

  async #next(): Promise<Aggregate | undefined> {
    if (this.#source === undefined && this.#file === undefined) await this.#open();
    if (this.#file !== undefined) return this.#read(this.#file);
    for (;;) {
      const rest = this.#rest;
      if (rest !== undefined) return this.#withRoom(() => this.#cut(rest));
      const { value, done } = await (this.#source as StreamSource).next();
      if (done === true) return undefined;
      const piece = this.#take(value);
      if (piece !== undefined) return piece;
    }
  }

  async #open(): Promise<void> {
    this.#file = await fileOf(this.#stream, undefined);
    this.#source = this.#file === undefined ? sourceOf(this.#stream) : undefined;
    if (this.#cancelled !== undefined) this.cancel(this.#cancelled.reason);
  }

  async #read(file: FileSource): Promise<Aggregate | undefined> {
    const most = this.#pool.chunks.kind === 'seal' ? READ_SEALED_BYTES : READ_BYTES;
    const size = Math.min(most, file.expected > 0 ? file.expected : BEYOND_BYTES);
    const draft = await this.#withRoom(() => this.#pool.allocate(size));
    let count: number;
    try {
      count = await file.read(draft.bytes);
    } catch (error) {
      draft.discard();
      throw error;
    }
    if (count > 0) return draft.seal(count);
    draft.discard();
    file.end();
    return undefined;
  }

  /** @returns undefined when there is nothing in it, or the rest is to be looked at */
  #take(value: unknown): Aggregate | undefined {
    if (value instanceof Aggregate) {
      if (value.length > 0) return value;
      value[Symbol.dispose]();
    } else if (isBytes(value)) {
      this.#rest = nonEmpty(bufferOver(value));
    } else if (typeof value === 'string') {
      this.#rest = nonEmpty(Buffer.from(value));
    } else {
      throw new ArgumentError(
        `Cannot read stream: bytes, strings or aggregates are wanted in it, ${describe(value)} came`,
      );
    }
    return undefined;
  }

  async #withRoom<T>(allocate: () => T): Promise<T> {
    for (;;) {
      try {
        return allocate();
      } catch (error) {
        if (!isFull(error) || this.#cancelled !== undefined || !(await this.#full())) throw error;
      }
    }
  }

  #cut(bytes: Buffer): Aggregate {
    const collector = new Collector({ pool: this.#pool }, 'read stream');
    try {
      collector.add(bytes.subarray(0, LARGEST_COPY_BYTES));
      const copy = new Aggregate(collector.finish(), this.#pool.chunks);
      this.#rest = nonEmpty(bytes.subarray(LARGEST_COPY_BYTES));
      return copy;
    } catch (error) {
      collector.discard();
      throw error;
    }
  }
}

function isFull(error: unknown): boolean {
  return error instanceof IoliteError && error.code === 'ERR_IOLITE_LIMIT';
}

function nonEmpty(bytes: Buffer): Buffer | undefined {
  return bytes.length > 0 ? bytes : undefined;
}
