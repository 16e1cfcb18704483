import { setImmediate as nextTurn } from 'node:timers/promises';
import { Aggregate } from '../../aggregate/aggregate.ts';
import type { Content } from '../../aggregate/byte-sequence.ts';
import { checkOptions, checkSignal } from '../../aggregate/stream/stream-options.ts';
import { checkInteger, IoliteError } from '../../base/error.ts';
import { ignore } from '../../base/ignore.ts';
import { type OutgoingBytes, outgoingBytes } from './outgoing-bytes.ts';
import { passableTo } from './passable.ts';
import { PipeWriter } from './pipe-writer.ts';
import { checkUpgradeAfter, upgradeThreshold } from './upgrade-threshold.ts';

/** Options of {@link openOutput}. */
export interface OutputOptions {
  /** Ends the output at once, with its reason: a write that is under way may have written a part. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Bytes after which a reader that is iolite is offered aggregates. Default 1 MiB; 0: before anything is
   * written; infinite: never. The variable IOLITE_PIPES goes before it.
   */
  readonly upgradeAfter?: number | undefined;
}

const STDOUT_FD = 1;
const MAX_FD = 2 ** 31 - 1;
/** Most bytes of an aggregate that is sent by reference: longer ones are cut. */
const MAX_SENT_BYTES = 2 * 1024 ** 2;
/** Ordinary bytes between two looks for a reader that asks for aggregates. */
const LOOK_BYTES = 256 * 1024;
/** Writes in a row after which others get a turn, if they are short. */
const MAX_WRITES = 16;
/** Slices shorter than this gather, up to so many bytes, and are written together. */
const SHORT_BYTES = 8 * 1024;
const GATHERED_BYTES = 64 * 1024;

/**
 * Output of aggregates through a descriptor: the standard output, a pipe or named pipe, a file, a socket or a
 * terminal. A pipe whose reader is iolite upgrades itself: ordinary bytes come first, and from then on
 * aggregates go by reference, none of their bytes copied. (What cannot be passed is copied: memory on the
 * heap, very short slices, buffers of a pool whose ACL does not admit the reader.) Any other reader notices
 * nothing.
 *
 * Nothing waits but the program's own `await`: the event loop goes on. An output that is not written to does
 * not keep the process alive; what was written is delivered though the process ends, however it does.
 * @param fd stays the caller's, who closes it after {@link PipeOutput.end}: only then a reader sees its end.
 *   (The standard output is closed by the end of the process.) Of a socket it becomes non-blocking
 * @throws SystemError: EBADF, EMFILE; ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
 * @example
 * ```ts
 * import { createPool, openOutput } from 'iolite';
 *
 * using pool = createPool();
 * using text = pool.from('hello\n');
 * const output = openOutput();
 * await output.write(text);
 * await output.end();
 * ```
 */
export function openOutput(fd: number = STDOUT_FD, options: OutputOptions = {}): PipeOutput {
  checkInteger(fd, 'descriptor', 0, MAX_FD);
  checkOptions(options, 'open output');
  const { signal, upgradeAfter } = options;
  checkSignal(signal, 'open output');
  checkUpgradeAfter(upgradeAfter);
  return new PipeOutput(fd, options);
}

/** Use {@link openOutput}. */
export class PipeOutput implements AsyncDisposable {
  /** That it writes to. */
  readonly fd: number;
  readonly #bytes: OutgoingBytes;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#close(this.#signal?.reason);
  /** Bytes written the ordinary way, and after how many readers are offered aggregates or looked for. */
  #count = 0;
  #lookAt: number;
  /** Once aggregates are offered. */
  #writer: PipeWriter | undefined;
  #ending: Promise<void> | undefined;
  #failure: { readonly reason: unknown } | undefined;
  #closed = false;
  #inARow = 0;
  #gathered: Buffer | undefined;
  /** The write that is under way, or was last: they follow one another. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(fd: number, { signal, upgradeAfter }: OutputOptions) {
    this.fd = fd;
    this.#bytes = outgoingBytes(fd);
    this.#lookAt = this.#bytes.isPipe ? upgradeThreshold(upgradeAfter) : Number.POSITIVE_INFINITY;
    this.#signal = signal;
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Whether aggregates go by reference now. */
  get upgraded(): boolean {
    return this.#writer?.upgraded ?? false;
  }

  /**
   * Writes content, behind what was written before. Holds a reference of its own: the caller may release an
   * aggregate at once.
   * @returns when it is in the kernel, or on its way to the reader by reference, who has taken all but a few
   *   aggregates: await it, and no more is in memory than the reader leaves there
   * @throws SystemError: EPIPE when nobody reads any more, ENOSPC; ERR_IOLITE_CLOSED after the end; what it
   *   failed with before; the signal's reason; ERR_IOLITE_LIMIT, ERR_IOLITE_RELEASED, ERR_IOLITE_ARGUMENT
   */
  write(content: Content): Promise<void> {
    let held: Aggregate;
    try {
      this.#checkOpen();
      held = heldOf(content);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#afterLast(() => this.#write(held));
  }

  /**
   * Nothing follows. Does not close the descriptor. @returns when a reader by reference has taken
   * everything, or is gone @throws what the output failed with
   */
  end(): Promise<void> {
    this.#ending ??= this.#afterLast(() => this.#end());
    return this.#ending;
  }

  /** Ends it; what it failed with was thrown before. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.end().catch(error => {
      if (this.#failure?.reason !== error) throw error;
    });
  }

  #afterLast(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work);
    this.#last = done.catch(ignore);
    return done;
  }

  #checkOpen(): void {
    if (this.#failure !== undefined) throw this.#failure.reason;
    if (this.#ending !== undefined) {
      throw new IoliteError('ERR_IOLITE_CLOSED', 'Cannot write output: it was ended');
    }
  }

  async #write(held: Aggregate): Promise<void> {
    try {
      for (let at = 0; at < held.length; ) {
        if (this.#failure !== undefined) throw this.#failure.reason;
        const isUpgraded = this.#mayUpgrade ? await this.#look() : this.upgraded;
        at += await this.#writePart(held.slice(at, at + (isUpgraded ? MAX_SENT_BYTES : LOOK_BYTES)));
      }
    } catch (error) {
      this.#close(error);
      throw this.#failure?.reason;
    } finally {
      held.release();
    }
  }

  get #mayUpgrade(): boolean {
    return this.#count >= this.#lookAt || (this.#writer?.isWanted ?? false);
  }

  /** Offers aggregates, or looks whether a reader wants them. @returns whether one does */
  async #look(): Promise<boolean> {
    this.#lookAt = this.#count + LOOK_BYTES;
    if (this.#writer === undefined) {
      this.#writer = await PipeWriter.open(this.fd);
      if (this.#closed) this.#writer?.destroy();
      // Another writer of the pipe has the name, or there can be none: for as long as this one writes.
      if (this.#writer === undefined) this.#lookAt = Number.POSITIVE_INFINITY;
    }
    return this.#writer?.upgraded || ((await this.#writer?.takeUp()) ?? false);
  }

  /** Releases the part. @returns its length */
  async #writePart(part: Aggregate): Promise<number> {
    try {
      if (!(await this.#send(part))) await this.#writeBytes(part);
      return part.length;
    } finally {
      part.release();
    }
  }

  /** @returns false when no reader wants it by reference, or that one is gone and has not got it */
  async #send(part: Aggregate): Promise<boolean> {
    const reader = this.#writer?.reader;
    if (reader === undefined) return false;
    const passed = passableTo(reader, part);
    let isSent = false;
    try {
      isSent = (await this.#writer?.send(passed)) ?? false;
      return isSent;
    } finally {
      if (!isSent) passed.release();
    }
  }

  async #writeBytes(part: Aggregate): Promise<void> {
    let gathered = 0;
    for (const view of part.views()) {
      const isShort = view.length < SHORT_BYTES;
      if (gathered > 0 && (!isShort || gathered + view.length > GATHERED_BYTES)) {
        await this.#writeGathered(gathered);
        gathered = 0;
      }
      if (!isShort || view.length === part.length) await this.#bytes.write(view);
      else {
        this.#gathered ??= Buffer.allocUnsafeSlow(GATHERED_BYTES);
        gathered += view.copy(this.#gathered, gathered);
      }
    }
    if (gathered > 0) await this.#writeGathered(gathered);
    this.#count += part.length;
    // A pipe that takes everything at once must not keep others from their turn: readers that ask, too.
    this.#inARow += 1;
    if (this.#inARow < MAX_WRITES && part.length < GATHERED_BYTES) return;
    this.#inARow = 0;
    await nextTurn();
  }

  async #writeGathered(length: number): Promise<void> {
    await this.#bytes.write((this.#gathered as Buffer).subarray(0, length));
  }

  async #end(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.reason;
    try {
      await this.#writer?.end();
    } catch (error) {
      this.#close(error);
      throw error;
    }
    this.#close();
  }

  /** @param reason why it failed, if it did */
  #close(reason?: unknown): void {
    if (reason !== undefined) this.#failure ??= { reason };
    if (this.#closed) return;
    this.#closed = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    if (reason !== undefined) this.#writer?.destroy();
    this.#bytes.close(reason instanceof Error ? reason : undefined);
  }
}

/** The bytes of content as an aggregate, to be released. */
function heldOf(content: Content): Aggregate {
  if (Aggregate.isAggregate(content)) return content.duplicate();
  return Aggregate.empty().append(content);
}
