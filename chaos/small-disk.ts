import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const DISK_MIB = 16;
const BLOCK_BYTES = 64 * 1024;

/** A file system of its own in a directory, so small that it can be filled. */
export class SmallDisk implements Disposable {
  readonly #folder: string;
  #timer: NodeJS.Timeout | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * @param folder an empty directory
   * @returns why there is none, where this user may mount nothing
   */
  static mount(folder: string): SmallDisk | string {
    try {
      const size = `size=${DISK_MIB}m`;
      execFileSync('mount', ['-t', 'tmpfs', '-o', size, 'iolite-chaos', folder], { stdio: 'pipe' });
      return new SmallDisk(folder);
    } catch (error) {
      return `No disk is filled: ${(error as Error).message.trim().split('\n').at(-1)}`;
    }
  }

  /** Leaves no space on it. @param lasts milliseconds until there is some again */
  fill(lasts: number): void {
    const ballast = openSync(this.#ballast, 'a');
    const block = Buffer.alloc(BLOCK_BYTES, 1);
    // What remains when a block does not fit is filled by pages.
    for (let size = BLOCK_BYTES; size >= 1; size = Math.floor(size / 16)) {
      try {
        for (;;) if (writeSync(ballast, block, 0, size) < size) break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
    closeSync(ballast);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.clear(), lasts);
  }

  /** There is space on it now. */
  clear(): void {
    clearTimeout(this.#timer);
    rmSync(this.#ballast, { force: true });
  }

  get #ballast(): string {
    return join(this.#folder, 'ballast');
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    // Whoever has a file open there may be about to end.
    execFileSync('umount', ['-l', this.#folder], { stdio: 'pipe' });
  }
}
