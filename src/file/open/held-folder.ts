import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { O_PATH } from '../../os/constants.ts';
import { canNameFiles } from '../../os/nameless-file.ts';

/**
 * A directory that is held by a descriptor: a name in it is that, whatever the path of the directory leads to
 * by then. Who can write a folder on the way might put a link there, between a look at the path and its use.
 * Where there is no /proc it is held by its path alone.
 */
export class HeldFolder implements AsyncDisposable {
  /** Leads to the directory as long as it is held. */
  readonly path: string;
  /** Where it was when it was opened, symbolic links followed. */
  readonly realPath: string;
  readonly #handle: FileHandle | undefined;

  private constructor(path: string, realPath: string, handle?: FileHandle) {
    this.path = path;
    this.realPath = realPath;
    this.#handle = handle;
  }

  /** Costs three calls in the thread pool. @throws ENOENT, ENOTDIR, EACCES, ELOOP, EMFILE */
  static async open(path: string): Promise<HeldFolder> {
    if (!canNameFiles()) return new HeldFolder(path, await realpath(path));
    const handle = await open(path, O_PATH | constants.O_DIRECTORY);
    const held = `/proc/self/fd/${handle.fd}`;
    try {
      return new HeldFolder(held, await readlink(held), handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The path of a name in it. */
  file(name: string): string {
    return join(this.path, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle?.close();
  }
}
