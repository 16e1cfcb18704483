import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { PipeReader } from '../../ipc/pipe/pipe-reader.ts';
import { waitUntilReady } from '../../os/poll.ts';
import { upgradeAfter } from './pipes.ts';

/** Bytes of input in their order. Valid until the next ones are asked for. */
export interface Block {
  readonly bytes: Buffer;
  /**
   * Where the bytes lie in memory that other processes can share: a part of them, for the caller to release.
   */
  readonly share?: (start: number, end: number) => Aggregate;
}

/** Bytes that are read at once from a file; pipes give less. */
const BLOCK_BYTES = 256 * 1024;

const STDIN_FD = 0;
/** Bytes between two looks for a writer that offers aggregates: first and most. */
const FIRST_STEP_BYTES = 64 * 1024;
const LAST_STEP_BYTES = 1024 ** 2;

let scratch: Buffer | undefined;

function plainRoom(): Buffer {
  scratch ??= Buffer.allocUnsafeSlow(BLOCK_BYTES);
  return scratch;
}

/** One operand of a tool: a file, or the standard input. */
export class Input {
  readonly name: string;
  readonly stats: Stats;
  readonly #fd: number;
  /** Bytes read, and after how many a writer that offers aggregates is looked for. */
  #read = 0;
  #lookAt: number;
  #step = FIRST_STEP_BYTES;
  /** While such a writer is there. */
  #upgrade: PipeReader | undefined;
  /** The aggregate whose bytes are being handed out, and those that were not yet. */
  #aggregate: Aggregate | undefined;
  #views: readonly Buffer[] = [];
  #view = 0;
  #offset = 0;

  /** @param name a path, or '-' for the standard input @throws the system's error */
  constructor(name: string) {
    this.name = name;
    this.#fd = name === '-' ? STDIN_FD : openSync(name, 'r');
    this.stats = fstatSync(this.#fd);
    this.#lookAt = this.stats.isFIFO() ? upgradeAfter() : Number.POSITIVE_INFINITY;
  }

  /**
   * The next bytes; undefined at the end.
   * @param room where they are put, if they have to be read. Default: a buffer of this module.
   * @throws the system's error: EISDIR, EIO
   */
  async next(room: () => Buffer = plainRoom): Promise<Block | undefined> {
    if (this.#read >= this.#lookAt && this.#upgrade === undefined) await this.#look();
    while (this.#upgrade !== undefined) {
      const block = this.#nextView() ?? (await this.#nextOf(this.#upgrade));
      if (block !== undefined) return block;
    }
    const buffer = room();
    const count = this.#readNow(buffer);
    this.#read += count;
    return count === 0 ? undefined : { bytes: buffer.subarray(0, count) };
  }

  close(): void {
    this.#aggregate?.release();
    this.#upgrade?.close();
    if (this.#fd !== STDIN_FD) closeSync(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Waits as long as it takes. @returns how many bytes were read, 0 at the end */
  #readNow(buffer: Buffer): number {
    for (;;) {
      try {
        return readSync(this.#fd, buffer);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // The end of some devices shows like this.
        if (code === 'EOF') return 0;
        if (code !== 'EAGAIN') throw error;
        waitUntilReady(this.#fd, 'read');
      }
    }
  }

  /** Looks for a writer that offers aggregates. There may be none yet, or never one: less and less often. */
  async #look(): Promise<void> {
    const { PipeReader } = await import('../../ipc/pipe/pipe-reader.ts');
    this.#upgrade = await PipeReader.open(this.#fd);
    this.#lookAt = this.#read + this.#step;
    this.#step = Math.min(2 * this.#step, LAST_STEP_BYTES);
  }

  /** What comes next of an upgraded pipe; undefined when that was all, or has no bytes. */
  async #nextOf(upgrade: PipeReader): Promise<Block | undefined> {
    const next = await upgrade.next();
    if (next === undefined) {
      this.#upgrade = undefined;
      this.#step = FIRST_STEP_BYTES;
      this.#lookAt = this.#read + 1;
      return undefined;
    }
    this.#read += next.length;
    if (Buffer.isBuffer(next)) return { bytes: next };
    this.#aggregate = next;
    this.#views = next.views();
    this.#view = 0;
    this.#offset = 0;
    return this.#nextView();
  }

  #nextView(): Block | undefined {
    const aggregate = this.#aggregate;
    if (aggregate === undefined) return undefined;
    const bytes = this.#views[this.#view];
    if (bytes === undefined) {
      this.#aggregate = undefined;
      aggregate.release();
      return undefined;
    }
    const offset = this.#offset;
    this.#view += 1;
    this.#offset += bytes.length;
    return { bytes, share: (start, end) => aggregate.slice(offset + start, offset + end) };
  }
}
