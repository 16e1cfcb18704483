import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import type { Aggregate } from '../aggregate/aggregate.ts';
import { waitUntilReady } from '../os/poll.ts';

/** Bytes of input in their order. Valid until the next ones are asked for. */
export interface Block {
  readonly bytes: Buffer;
  /** Where the bytes lie in memory that other processes can share: a part of them, for the caller to release. */
  readonly share?: (start: number, end: number) => Aggregate;
}

/** Bytes that are read at once from a file; pipes give less. */
export const BLOCK_BYTES = 256 * 1024;

const STDIN = 0;

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

  /** @param name a path, or '-' for the standard input @throws the system's error */
  constructor(name: string) {
    this.name = name;
    this.#fd = name === '-' ? STDIN : openSync(name, 'r');
    this.stats = fstatSync(this.#fd);
  }

  /**
   * The next bytes; undefined at the end.
   * @param room where they are put, if they have to be read. Default: a buffer of this module.
   * @throws the system's error: EISDIR, EIO
   */
  async next(room: () => Buffer = plainRoom): Promise<Block | undefined> {
    const buffer = room();
    const count = await this.read(buffer);
    return count === 0 ? undefined : { bytes: buffer.subarray(0, count) };
  }

  /** Reads bytes to the start of a buffer. @returns how many, 0 at the end */
  async read(buffer: Buffer): Promise<number> {
    for (;;) {
      try {
        return readSync(this.#fd, buffer);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // The end of some devices, and of files on some file systems, shows like this.
        if (code === 'EOF') return 0;
        if (code !== 'EAGAIN') throw error;
        waitUntilReady(this.#fd, 'read');
      }
    }
  }

  close(): void {
    if (this.#fd !== STDIN) closeSync(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
