import { lstatSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { systemError } from '../../base/error.ts';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../constants.ts';
import { closeDescriptor } from '../descriptor.ts';
import { tryLockFolder } from '../folder-lock.ts';
import { checked, libc } from '../libc.ts';
import { unixAddress } from '../unix-address.ts';
import { addressInUse, connectUnix } from '../unix-connect.ts';
import { giveSocketFile, type SocketAccess } from './socket-file.ts';

/** As {@link SocketAccess}; the mode is 0o660 by default: its user and group. */
export interface SocketFileOptions extends Omit<SocketAccess, 'mode'> {
  readonly mode?: number | undefined;
}

/** A listening Unix socket. */
export interface UnixListener {
  /** Non-blocking, closed on exec. The caller closes it. */
  readonly fd: number;
  /** Removes the file, unless another has taken its place. Call it before the socket is closed. */
  unlink(): void;
}

const BACKLOG_CONNECTIONS = 65_535;
const DEFAULT_MODE = 0o660;
/** After this a folder that another process has locked is tried again, and how often. */
const LOCK_PAUSE_MS = 5;
const LOCK_TRIES = 400;

/**
 * Listens on a socket file, or on an abstract name. A file that nobody listens on is replaced, under a lock
 * of its folder, so that of several that try one gets it. Nobody can connect before it is as it should be.
 * @param path '@name' for an abstract one, which has no permissions
 * @throws SystemError: EADDRINUSE when somebody listens there, or what is there is no socket; ENOENT,
 *   ENOTDIR, EACCES, ENAMETOOLONG; EPERM where it may not be given to that user or group. Leaves nothing
 *   then.
 */
export async function openUnixListener(path: string, options: SocketFileOptions = {}): Promise<UnixListener> {
  if (path.startsWith('@')) return { fd: open(path, () => {}), unlink: () => {} };
  const unlockFolder = await lockFolder(path);
  try {
    removeAbandoned(path);
    let inode: bigint | undefined;
    const fd = open(path, () => {
      inode = giveSocketFile(path, { ...options, mode: options.mode ?? DEFAULT_MODE });
    });
    return { fd, unlink: () => void (inode !== undefined && inodeOf(path) === inode && remove(path)) };
  } finally {
    unlockFolder();
  }
}

/** @param bound called between bind(2) and listen(2) */
function open(path: string, bound: () => void): number {
  const address = unixAddress(path);
  const attempted = `Cannot listen on ${path}`;
  const type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const fd = checked(libc().socket(AF_UNIX, type, 0), 'socket', attempted);
  let isBound = false;
  try {
    checked(libc().bind(fd, address, address.length), 'bind', attempted);
    isBound = !path.startsWith('@');
    bound();
    checked(libc().listen(fd, BACKLOG_CONNECTIONS), 'listen', attempted);
    return fd;
  } catch (error) {
    if (isBound) remove(path);
    closeDescriptor(fd);
    throw error;
  }
}

/**
 * Removes a socket file that nobody listens on; its folder is to be locked. What else is there stays.
 * @throws SystemError: EACCES
 */
export function removeAbandoned(path: string): void {
  if (!isAbandoned(path)) return;
  try {
    unlinkSync(path);
  } catch (cause) {
    throw systemError(cause, `Cannot listen on ${path}`);
  }
}

/**
 * Orders those who replace socket files in the folder of one. @returns what gives the lock back
 * @throws SystemError: EADDRINUSE when another holds it for long; ENOENT, ENOTDIR, EACCES; the signal's
 *   reason
 */
export async function lockFolder(path: string, signal?: AbortSignal): Promise<() => void> {
  for (let tries = 0; tries < LOCK_TRIES; tries++) {
    const unlock = tryLockFolder(dirname(path));
    if (unlock !== undefined) return unlock;
    await setTimeout(LOCK_PAUSE_MS);
    signal?.throwIfAborted();
  }
  throw addressInUse(path);
}

/** Whether a path is a socket that nobody listens on. */
function isAbandoned(path: string): boolean {
  try {
    if (!lstatSync(path).isSocket()) return false;
    const fd = connectUnix(path);
    if (fd !== undefined) closeDescriptor(fd);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
  }
}

function inodeOf(path: string): bigint | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody else has removed it.
  }
}
