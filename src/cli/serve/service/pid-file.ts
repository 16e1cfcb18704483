import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tryFlock } from '../../../os/flock.ts';
import { UserError } from '../../user-error.ts';

/** Whoever sends us signals may be another user. */
const READABLE_MODE = 0o644;

/**
 * A file that has the number of this process, for as long as it lives. It is locked (flock(2)) besides: a
 * lock goes with its process, however that ends, while a number may be another's tomorrow.
 */
export class PidFile {
  readonly #path: string;
  readonly #fd: number;

  /**
   * Writes it: it is there with all that is in it, or not at all. One whose process has ended is replaced.
   * @throws UserError while its process lives, where another file is there, and where it cannot be written
   */
  constructor(path: string, pid = process.pid) {
    this.#path = path;
    const fresh = `${path}.${pid}`;
    let fd: number | undefined;
    try {
      // One that is there was left by a process of that number.
      rmSync(fresh, { force: true });
      fd = openSync(fresh, 'wx', READABLE_MODE);
      fchmodSync(fd, READABLE_MODE);
      tryFlock(fd);
      writeSync(fd, `${pid}\n`);
      while (!put(fresh, path));
      this.#fd = fd;
    } catch (error) {
      if (fd !== undefined) {
        closeSync(fd);
        rmSync(fresh, { force: true });
      }
      throw new UserError(`Cannot write ${path}: ${(error as Error).message}`);
    }
  }

  /** Removes it, unless another file is there by now. */
  [Symbol.dispose](): void {
    if (isAt(this.#path, this.#fd)) rmSync(this.#path, { force: true });
    closeSync(this.#fd);
  }
}

/**
 * Gives a file its name where nothing has it, or what has it is left over.
 * @returns false when others have changed what is there meanwhile
 * @throws Error that says why the name is not to be had
 */
function put(fresh: string, path: string): boolean {
  const fd = openThere(path);
  if (fd === undefined) return link(fresh, path);
  try {
    const text = readFileSync(fd, 'latin1').trim();
    if (!tryFlock(fd)) throw new Error(`the process that it names lives: ${text}`);
    if (!isAt(path, fd)) return false;
    // Somebody has mistaken the option, or the name.
    if (!/^\d*$/.test(text)) throw new Error('a file is there that is none of a process');
    // The lock keeps others, who have found the same, from replacing what is there now.
    renameSync(fresh, path);
    return true;
  } finally {
    closeSync(fd);
  }
}

/** @returns undefined where there is nothing */
function openThere(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @returns false where something has the name */
function link(fresh: string, path: string): boolean {
  try {
    linkSync(fresh, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  rmSync(fresh);
  return true;
}

/** Whether a path leads to an open file. */
function isAt(path: string, fd: number): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  const { ino, dev } = fstatSync(fd);
  return found?.ino === ino && found.dev === dev;
}
