import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Aggregate } from '../../aggregate/aggregate.ts';
import { checkOptions, checkPool, checkSignal } from '../../aggregate/stream/stream-options.ts';
import { checkInteger } from '../../base/error.ts';
import { ignore } from '../../base/ignore.ts';
import type { ChunkPool } from '../../memory/chunk-pool.ts';
import { defaultPool } from '../../memory/default-pool.ts';
import { type IncomingBytes, incomingBytes } from './incoming-bytes.ts';
import { PipeReader } from './pipe-reader.ts';
import { checkUpgradeAfter, upgradeThreshold } from './upgrade-threshold.ts';

/** Options of {@link openInput}. */
export interface InputOptions {
  /**
   * Where bytes are put that come the ordinary way. Default: the pool of aggregates that came from none,
   * which processes of the same user may be given.
   */
  readonly pool?: { readonly chunks: ChunkPool } | undefined;
  /** Ends the reading, with its reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Bytes after which a writer is looked for that is iolite. Default 1 MiB; 0: before anything is read;
   * infinite: never. The variable IOLITE_PIPES goes before it.
   */
  readonly upgradeAfter?: number | undefined;
}

const STDIN_FD = 0;
const MAX_FD = 2 ** 31 - 1;
/** Bytes between two looks for a writer that offers aggregates: first and most. */
const FIRST_STEP_BYTES = 64 * 1024;
const LAST_STEP_BYTES = 1024 ** 2;
/** Reads in a row that did not have to wait, after which others get a turn. */
const MAX_READS = 16;

/**
 * What comes through a descriptor, as aggregates: the standard input, a pipe or named pipe, a file, a socket
 * or a terminal. A pipe whose writer is iolite upgrades itself: from then on its aggregates come by
 * reference, in memory that the writer has filled. Any other writer notices nothing; its bytes are read
 * into buffers of a pool. Nothing waits but the program's own `await`: the event loop goes on.
 *
 * Nothing is read ahead of the program but the block that it waits for. From an upgraded pipe up to four
 * aggregates are on their way, which are gone with this process as what it had read of an ordinary one.
 * @param fd stays the caller's, who closes it after the input. Of a socket it becomes non-blocking, as
 *   node:process makes it
 * @throws SystemError: EBADF, EMFILE; ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { openSync } from 'node:fs';
 * import { openInput } from 'iolite';
 *
 * let lines = 0;
 * // Without a descriptor it is the standard input.
 * for await (const part of openInput(openSync('/proc/meminfo', 'r'))) {
 *   for (const line of part.lines()) {
 *     lines += 1;
 *     line.release();
 *   }
 *   part.release();
 * }
 * assert.ok(lines > 10);
 * ```
 */
export function openInput(fd: number = STDIN_FD, options: InputOptions = {}): PipeInput {
  checkInteger(fd, 'descriptor', 0, MAX_FD);
  checkOptions(options, 'open input');
  const { pool, signal, upgradeAfter } = options;
  if (pool !== undefined) checkPool(pool, 'open input');
  checkSignal(signal, 'open input');
  checkUpgradeAfter(upgradeAfter);
  return new PipeInput(fd, options);
}

/** Use {@link openInput}. */
export class PipeInput implements AsyncIterableIterator<Aggregate>, AsyncDisposable {
  /** That it reads. */
  readonly fd: number;
  readonly #bytes: IncomingBytes;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => {
    this.#aborted = true;
    this.close();
  };
  #aborted = false;
  /** Bytes read, and after how many a writer that offers aggregates is looked for. */
  #count = 0;
  #lookAt: number;
  #step = FIRST_STEP_BYTES;
  /** While such a writer is there. */
  #reader: PipeReader | undefined;
  #inARow = 0;
  #closed = false;
  /** The reading that is under way, or was last: those who ask are answered one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(fd: number, { pool, signal, upgradeAfter }: InputOptions) {
    this.fd = fd;
    this.#bytes = incomingBytes(fd, pool?.chunks ?? defaultPool());
    this.#lookAt = this.#bytes.isPipe ? upgradeThreshold(upgradeAfter) : Number.POSITIVE_INFINITY;
    this.#signal = signal;
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Whether a writer sends aggregates by reference now. */
  get upgraded(): boolean {
    return this.#reader?.upgraded ?? false;
  }

  /** Its pieces in order. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * The next aggregate, of any length but none, which the caller releases. Whoever asks again before the
   * first has come gets the one after it.
   * @throws SystemError: EISDIR, EIO; ERR_IOLITE_LIMIT when the pool is full; ERR_IOLITE_PROTOCOL and what
   *   else an upgraded pipe may fail with; the signal's reason
   */
  next(): Promise<IteratorResult<Aggregate, undefined>> {
    const next = this.#last.then(() => this.#next());
    this.#last = next.catch(ignore);
    return next;
  }

  /** Reads no more. */
  async return(): Promise<IteratorResult<Aggregate, undefined>> {
    this.close();
    return { value: undefined, done: true };
  }

  /**
   * Reads no more. What was not taken of an upgraded pipe stays with its writer, who goes on with bytes.
   * Closing twice does nothing.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#reader?.close();
    this.#bytes.close();
  }

  /** For `await using`: see {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  async #next(): Promise<IteratorResult<Aggregate, undefined>> {
    try {
      const part = await this.#nextPart();
      if (part === undefined) this.close();
      if (!this.#aborted) return part === undefined ? { value: part, done: true } : { value: part };
      part?.release();
    } catch (error) {
      this.close();
      if (!this.#aborted) throw error;
    }
    throw this.#signal?.reason;
  }

  async #nextPart(): Promise<Aggregate | undefined> {
    while (!this.#closed) {
      if (this.#reader === undefined && this.#count >= this.#lookAt) await this.#look();
      const part = this.#reader === undefined ? this.#bytes.take() : await this.#readUpgraded(this.#reader);
      if (part !== undefined) {
        this.#count += part.length;
        await this.#giveTurn();
        return part;
      }
      if (this.#reader !== undefined || this.#closed) continue;
      if (this.#bytes.ended) break;
      this.#inARow = 0;
      await new Promise<void>(resolve => this.#bytes.listen(resolve));
    }
    return undefined;
  }

  /** Looks for a writer that offers aggregates. There may be none yet, or never one: less and less often. */
  async #look(): Promise<void> {
    this.#reader = await PipeReader.open(this.fd, this.#bytes);
    if (this.#closed) this.#reader?.close();
    this.#lookAt = this.#count + this.#step;
    this.#step = Math.min(2 * this.#step, LAST_STEP_BYTES);
  }

  async #readUpgraded(reader: PipeReader): Promise<Aggregate | undefined> {
    const part = await reader.next();
    if (part !== undefined) return part;
    this.#reader = undefined;
    this.#step = FIRST_STEP_BYTES;
    this.#lookAt = this.#count + 1;
    return undefined;
  }

  async #giveTurn(): Promise<void> {
    this.#inARow += 1;
    if (this.#inARow < MAX_READS) return;
    this.#inARow = 0;
    await nextTurn();
  }
}
