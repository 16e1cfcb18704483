import { addAbortSignal, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { checkInteger, IoliteError } from '../base/error.ts';
import type { ChunkPool } from '../memory/chunk-pool.ts';
import { Aggregate } from './aggregate.ts';
import { type CollectOptions, Collector } from './stream/collector.ts';
import { checkOptions, checkSignal } from './stream/stream-options.ts';

/** Options of an {@link AggregateWritable}. */
export interface AggregateWritableOptions extends CollectOptions {
  /** As of any Writable. What is written is copied at once, so it matters little. Default: Node's. */
  readonly highWaterMark?: number | undefined;
  /** Destroys the stream, with an AbortError as in all of Node's streams. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A Writable that collects what is written to it into an aggregate: bytes are copied once, strings encoded
 * once, into buffers of the pool, small pieces one behind the other. {@link aggregate} gives the result,
 * which its caller releases. Destroyed before it finished, it gives back what it has.
 *
 * What the pool refuses, and bytes beyond the limit (ERR_IOLITE_LIMIT), destroy it with that error. As a
 * WHATWG stream: `Writable.toWeb(writable)`.
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { Readable } from 'node:stream';
 * import { pipeline } from 'node:stream/promises';
 * import { createGzip, gunzipSync } from 'node:zlib';
 * import { AggregateWritable, createPool } from 'iolite';
 *
 * using pool = createPool();
 * const writable = new AggregateWritable({ pool, limit: 1_000_000 });
 * await pipeline(Readable.from(['hello, ', 'world']), createGzip(), writable);
 * using zipped = await writable.aggregate();
 * assert.equal(gunzipSync(zipped.toBuffer()).toString(), 'hello, world');
 * ```
 */
export class AggregateWritable extends Writable {
  readonly #pool: ChunkPool;
  readonly #collector: Collector;
  #taken = false;

  /** @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
  constructor(options: AggregateWritableOptions) {
    checkOptions(options, 'make writable');
    const { highWaterMark, signal } = options;
    if (highWaterMark !== undefined) {
      checkInteger(highWaterMark, 'highWaterMark', 0, Number.MAX_SAFE_INTEGER);
    }
    checkSignal(signal, 'make writable');
    super({ decodeStrings: false, ...(highWaterMark === undefined ? {} : { highWaterMark }) });
    this.#collector = new Collector(options, 'make writable');
    this.#pool = options.pool.chunks;
    if (signal !== undefined) addAbortSignal(signal, this);
  }

  /** Bytes written so far. */
  get bytesWritten(): number {
    return this.#collector.length;
  }

  /**
   * Waits until the stream was ended, and gives all that was written to it. The caller releases it.
   * @throws what the stream was destroyed with, ERR_STREAM_PREMATURE_CLOSE if with nothing,
   *   ERR_IOLITE_RELEASED when it was given before
   */
  async aggregate(): Promise<Aggregate> {
    await finished(this, { readable: false });
    if (this.#taken) {
      throw new IoliteError('ERR_IOLITE_RELEASED', 'Cannot take aggregate: it was taken before');
    }
    this.#taken = true;
    return new Aggregate(this.#collector.finish(), this.#pool);
  }

  /** @internal */
  override _write(
    chunk: Uint8Array | string,
    encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    try {
      this.#collector.add(chunk, encoding);
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  }

  /** @internal */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.writableFinished) this.#collector.discard();
    done(error);
  }
}
