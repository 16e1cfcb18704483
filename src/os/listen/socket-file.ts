import { chmodSync, chownSync, closeSync, constants, fstatSync, lchownSync, openSync } from 'node:fs';
import { systemError } from '../../base/error.ts';
import { O_PATH } from '../constants.ts';
import { canNameFiles } from '../nameless-file.ts';
import { addressInUse } from '../unix-connect.ts';

/** Who may connect to a socket file: those who may write it. */
export interface SocketAccess {
  /** Permissions. */
  readonly mode: number;
  /** Who it belongs to. Default: who it belongs to already. */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/**
 * Gives the file of a socket that was bound just now its permissions and owner. It is held by a descriptor
 * meanwhile: in a folder that others can write, one of them could put a link in its place, and what that
 * leads to would be given away (chmod(2) follows links). Costs five system calls.
 * @returns its inode, by which it can be told from another
 * @throws SystemError: EADDRINUSE when something else is there by now; EPERM
 */
export function giveSocketFile(path: string, access: SocketAccess): bigint | undefined {
  const attempted = `Cannot listen on ${path}`;
  if (!canNameFiles()) {
    give(path, access, attempted);
    return undefined;
  }
  let fd: number;
  try {
    fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? addressInUse(path)
      : systemError(error, attempted);
  }
  try {
    const stats = fstatSync(fd, { bigint: true });
    // What was bound just now has one name. Another is somebody's file, here by a hard link.
    if (!stats.isSocket() || stats.nlink !== 1n) throw addressInUse(path);
    give(`/proc/self/fd/${fd}`, access, attempted);
    return stats.ino;
  } finally {
    closeSync(fd);
  }
}

/** @param path that leads to the file itself, or to a descriptor of it */
function give(path: string, { mode, uid, gid }: SocketAccess, attempted: string): void {
  const changeOwner = canNameFiles() ? chownSync : lchownSync;
  try {
    // -1 stands for who it belongs to already.
    if (uid !== undefined || gid !== undefined) changeOwner(path, uid ?? -1, gid ?? -1);
    chmodSync(path, mode);
  } catch (cause) {
    throw systemError(cause, attempted);
  }
}
