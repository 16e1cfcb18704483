import { randomBytes } from 'node:crypto';
import { type FileHandle, link, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ignore } from '../../base/ignore.ts';
import { canNameFiles, NAMELESS, nameFile } from '../../os/nameless-file.ts';

/** What file systems, and kernels, answer that know no files without a name. */
const UNKNOWN = ['EOPNOTSUPP', 'EISDIR', 'EINVAL', 'ENOENT'];
const READ_AND_WRITE_ALONE = 0o600;
const AS_UMASK_SAYS = 0o666;

/**
 * A file that is being written and has no name yet, where the file system can; else one of a random name that
 * begins with `.iolite-`. It goes with its maker's death, except between the two calls that put it in
 * another's place, or where it has that name: then such a file may be left.
 */
export class NewFile {
  readonly handle: FileHandle;
  readonly #folder: string;
  #name: string | undefined;

  private constructor(handle: FileHandle, folder: string, name: string | undefined) {
    this.handle = handle;
    this.#folder = folder;
    this.#name = name;
  }

  /**
   * @param replaces whether it is to get the mode of another, and nobody is to read it until then
   * @throws EACCES, EROFS, ENOSPC, EMFILE, ...
   */
  static async create(folder: string, replaces: boolean): Promise<NewFile> {
    const mode = replaces ? READ_AND_WRITE_ALONE : AS_UMASK_SAYS;
    if (canNameFiles()) {
      try {
        return new NewFile(await open(folder, NAMELESS, mode), folder, undefined);
      } catch (error) {
        if (!UNKNOWN.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
    }
    const name = temporaryName(folder);
    return new NewFile(await open(name, 'wx+', mode), folder, name);
  }

  /** Gives it a name that nothing has. @throws EEXIST, ENOSPC, EIO: it has not got it then */
  async appear(path: string): Promise<void> {
    if (this.#name !== undefined && !canNameFiles()) await link(this.#name, path);
    else nameFile(this.handle.fd, path);
    await this.#removeName().catch(ignore);
  }

  /** Gives it the name of another file, which loses it, at once. @throws as {@link appear} */
  async replace(path: string): Promise<void> {
    if (this.#name === undefined) {
      const name = temporaryName(this.#folder);
      nameFile(this.handle.fd, name);
      this.#name = name;
    }
    await rename(this.#name, path);
    this.#name = undefined;
  }

  /**
   * To read it from now on. The descriptor that wrote it is closed, as a file that is open for writing cannot
   * be executed, nor its file system be made read-only.
   */
  async reopen(): Promise<{ readonly handle: FileHandle; readonly closed: Promise<void> }> {
    const reader = await open(`/proc/self/fd/${this.handle.fd}`, 'r').catch(() => undefined);
    if (reader === undefined) return { handle: this.handle, closed: Promise.resolve() };
    return { handle: reader, closed: this.handle.close() };
  }

  /** Closes and removes it. Does not throw: what comes to nothing has come to nothing for another reason. */
  async discard(): Promise<void> {
    await this.#removeName().catch(ignore);
    await this.handle.close().catch(ignore);
  }

  async #removeName(): Promise<void> {
    if (this.#name !== undefined) await rm(this.#name, { force: true });
    this.#name = undefined;
  }
}

function temporaryName(folder: string): string {
  return join(folder, `.iolite-${randomBytes(8).toString('hex')}`);
}
