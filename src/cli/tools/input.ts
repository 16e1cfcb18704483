import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { PipeInput } from '../../ipc/pipe/open-input.ts';
import { waitUntilReady } from '../../os/poll.ts';
import { toolThreshold } from './tool-threshold.ts';

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
  /** Bytes read here, after how many the rest is read as aggregates, and where these come from then. */
  #read = 0;
  readonly #after: number;
  #pipe: PipeInput | undefined;
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
    this.#after = this.stats.isFIFO() ? toolThreshold() : Number.POSITIVE_INFINITY;
  }

  /**
   * The next bytes; undefined at the end.
   * @param room where they are put, if they have to be read. Default: a buffer of this module.
   * @throws the system's error: EISDIR, EIO
   */
  async next(room: () => Buffer = plainRoom): Promise<Block | undefined> {
    if (this.#read >= this.#after) return this.#nextView() ?? this.#nextOf(await this.#openPipe());
    const buffer = room();
    const count = this.#readNow(buffer);
    this.#read += count;
    return count === 0 ? undefined : { bytes: buffer.subarray(0, count) };
  }

  /**
   * Of a standard input that is a file only the first bytes were used: whoever reads it next begins behind
   * them. @throws SystemError
   */
  async leaveAfter(used: number): Promise<void> {
    if (this.#fd !== STDIN_FD || !this.stats.isFile() || used === this.#read) return;
    const { movePlace } = await import('../../os/descriptor.ts');
    movePlace(this.#fd, used - this.#read);
  }

  close(): void {
    this.#aggregate?.release();
    this.#pipe?.close();
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

  /** Only now is loaded what it needs. */
  async #openPipe(): Promise<PipeInput> {
    if (this.#pipe === undefined) {
      const { openInput } = await import('../../ipc/pipe/open-input.ts');
      this.#pipe = openInput(this.#fd, { upgradeAfter: 0 });
    }
    return this.#pipe;
  }

  async #nextOf(pipe: PipeInput): Promise<Block | undefined> {
    const { value } = await pipe.next();
    if (value === undefined) return undefined;
    this.#aggregate = value;
    this.#views = value.views();
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
