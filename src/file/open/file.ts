import { Aggregate } from '../../aggregate/aggregate.ts';
import type { Content } from '../../aggregate/byte-sequence.ts';
import { checkInteger, IoliteError, SystemError } from '../../base/error.ts';
import { EBADF } from '../../os/constants.ts';
import type { FileUser, OpenedFile } from './opened-file.ts';

/** Most bytes of a file, and of what is put into it: sums stay exact. No file system has larger ones. */
const MAX_FILE_BYTES = 2 ** 52 - 1;

/**
 * An open file (paper, 3.5: IOL_read and IOL_write). Its content is an aggregate of what is on disk and of
 * what was written: to write chains the given slices with those that stay, and copies no byte of either. Made
 * by `openFile`.
 *
 * - Reads and writes take effect in the order they are called. A read sees all of a write or none of it, from
 *   whichever File of this process, and what was read stays as it was.
 * - What was written is in memory, for all Files of the path in this process, until {@link sync} brings it to
 *   disk: as a new version that takes the old one's place at once.
 * - Other processes, and caches, see synced versions only. Of two processes that change the same file, the
 *   second to sync is told so (ERR_IOLITE_CONFLICT).
 *
 * Every operation on a closed File fails with ERR_IOLITE_CLOSED, and on one opened with 'r' those that write
 * with EBADF.
 */
export class File {
  readonly #opened: OpenedFile;
  readonly #writable: boolean;
  readonly #user: FileUser;
  #closing: Promise<void> | undefined;

  /**
   * Use openFile().
   * @internal
   */
  constructor(opened: OpenedFile, writable: boolean, user: FileUser) {
    this.#opened = opened;
    this.#writable = writable;
    this.#user = user;
  }

  /** The path that is read and replaced: real, without symbolic links. */
  get path(): string {
    return this.#opened.path;
  }

  /** In bytes, with what was not synced yet. */
  get size(): number {
    this.#check('look at');
    return this.#opened.size;
  }

  /**
   * Bytes from `offset` on, fewer at the file's end; the caller releases them. What is in memory is shared;
   * what is not is read outside of the event loop, by way of the cache if there is one. Without one, a few
   * MiB of what was read are kept, so that who reads the same gets the same buffers.
   * @throws ERR_IOLITE_CONFLICT when the file was changed in place on disk; EIO; ERR_IOLITE_LIMIT when the
   *   pool is full
   */
  async read(offset: number, length: number): Promise<Aggregate> {
    this.#check('read');
    checkInteger(offset, 'offset', 0, MAX_FILE_BYTES);
    checkInteger(length, 'length', 0, MAX_FILE_BYTES);
    return this.#opened.read(offset, offset + length, this.#user);
  }

  /**
   * Puts content over what is at `offset`. The slices of an aggregate are shared, and the caller keeps it;
   * strings and bytes are copied. Where `offset` lies beyond the end, zeros come between. At once, before the
   * promise is looked at.
   * @throws what Pool.allocate throws; a failed write changes nothing
   */
  async write(offset: number, content: Content): Promise<void> {
    this.#checkWritable('write');
    checkInteger(offset, 'offset', 0, MAX_FILE_BYTES - sizeOf(content));
    this.#opened.write(offset, content, this.#user.pool);
  }

  /** As {@link write}, behind the last byte. @returns the offset it was put at */
  async append(content: Content): Promise<number> {
    this.#checkWritable('append to');
    const { size } = this.#opened;
    checkInteger(size, 'offset', 0, MAX_FILE_BYTES - sizeOf(content));
    this.#opened.write(size, content, this.#user.pool);
    return size;
  }

  /** Drops what lies beyond `length`, or adds zeros up to it, which take no room on disk. Copies nothing. */
  async truncate(length: number): Promise<void> {
    this.#checkWritable('truncate');
    checkInteger(length, 'length', 0, MAX_FILE_BYTES);
    this.#opened.truncate(length);
  }

  /** Makes this the whole content. Shares and copies as {@link write} does. */
  async replace(content: Content): Promise<void> {
    this.#checkWritable('replace');
    this.#opened.replace(content, this.#user.pool);
  }

  /**
   * Brings all that was written before to disk: when it is done, it survives a crash of the machine. A crash
   * at any point before leaves the old version. The work is that of writing the file anew, where ranges that
   * did not change are copied inside of the kernel; so sync after many writes, not after each.
   * @throws ERR_IOLITE_CONFLICT when the file changed on disk since it was read: {@link reload}, and write
   *   again; ERR_IOLITE_FILE when it has several names (hard links); ENOSPC, EDQUOT, EFBIG, EIO, EACCES,
   *   EPERM, EROFS. The file on disk is as it was then, and what was written is still in memory, so that it
   *   can be tried again
   */
  async sync(): Promise<void> {
    this.#check('sync');
    if (this.#writable) await this.#opened.sync();
  }

  /**
   * Takes up the version that is on disk now, and gives up all that was written and not synced.
   * @throws ENOENT, EACCES, ... as openFile
   */
  async reload(): Promise<void> {
    this.#check('reload');
    await this.#opened.reload();
  }

  /**
   * Syncs what was written, if it was opened for writing, and closes. It is closed also when that fails: call
   * {@link sync} before to be able to try again. What was read stays valid.
   * @throws as {@link sync}
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** For `await using`: see {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    try {
      if (this.#writable) await this.#opened.sync();
    } finally {
      await this.#opened.leave(this.#user.route);
    }
  }

  #checkWritable(operation: string): void {
    this.#check(operation);
    if (!this.#writable) throw new SystemError('write', EBADF, `Cannot ${operation} ${this.path}`);
  }

  #check(operation: string): void {
    if (this.#closing === undefined) return;
    throw new IoliteError('ERR_IOLITE_CLOSED', `Cannot ${operation} ${this.path}: the file is closed`);
  }
}

/** Bytes that content comes to; of a string at least, which is never long. */
function sizeOf(content: Content): number {
  return Aggregate.isAggregate(content) ? content.length : 0;
}
