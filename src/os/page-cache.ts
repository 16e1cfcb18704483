import { type BigIntStats, constants, fstatSync } from 'node:fs';
import { SystemError } from '../base/error.ts';
import { isWellFormed } from '../base/well-formed.ts';
import {
  AT_FDCWD,
  E2BIG,
  EINVAL,
  ENOENT,
  ENOSYS,
  EPERM,
  O_CLOEXEC,
  O_PATH,
  POSIX_FADV_DONTNEED,
  POSIX_FADV_WILLNEED,
  RESOLVE_CACHED,
  RESOLVE_NO_SYMLINKS,
  RWF_NOWAIT,
  SYS_GETDENTS64,
  SYS_OPENAT2,
} from './constants.ts';
import { closeDescriptor } from './descriptor.ts';
import { addressOf, lastErrno, libc, unsupportedReason } from './libc.ts';
import { descriptorOwners } from './thread/ledger.ts';
import { THREAD } from './thread/termination.ts';

/** struct open_how: flags, mode, resolve; 8 bytes each. */
const HOW_BYTES = 24;
const RESOLVE_AT = 16;
/** struct iovec: address, length; 8 bytes each. */
const IOVEC_BYTES = 16;
const LENGTH_AT = 8;

/** struct linux_dirent64: inode and offset of 8 bytes each, length of the entry, type, name with a zero. */
const ENTRY_LENGTH_AT = 16;
const NAME_AT = 19;
const entries = Buffer.allocUnsafeSlow(32 * 1024);

const READING = howOf(constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | O_CLOEXEC);
const LOOKING = howOf(O_PATH | O_CLOEXEC);
/** An older kernel, or a sandbox that admits no call that it does not know. */
const REFUSALS: readonly number[] = [ENOSYS, EPERM, EINVAL, E2BIG];
const vector = Buffer.alloc(IOVEC_BYTES);

/** Whether the kernel knows these calls and lets us make them. */
let isAvailable: boolean | undefined;

/**
 * Opens a file for reading if that waits for nothing: all of its path is in the kernel's cache of names, and
 * none of it is a symbolic link (openat2(2), RESOLVE_CACHED and RESOLVE_NO_SYMLINKS: Linux 5.12). So the path
 * is the file's real path. Costs 3 us where the thread pool costs 30.
 * @param path absolute
 * @returns a descriptor, which the caller closes; undefined when there is none to be had in this way, for
 *   whatever reason
 */
export function openCached(path: string): number | undefined {
  const fd = open(path, READING);
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}

/**
 * What a path leads to, on the conditions of {@link openCached}. Nothing is opened.
 * @returns undefined when it cannot be told in this way; 'ENOENT' when there is nothing
 */
export function statCached(path: string): BigIntStats | 'ENOENT' | undefined {
  const fd = open(path, LOOKING);
  if (fd === undefined) return undefined;
  if (fd === -ENOENT) return 'ENOENT';
  if (fd < 0) return undefined;
  try {
    return fstatSync(fd, { bigint: true });
  } catch {
    return undefined;
  } finally {
    closeDescriptor(fd);
  }
}

/** What a directory was found to have. */
export interface FolderNames {
  /** Those that were wanted. */
  readonly names: ReadonlySet<string>;
  /** How many there are in all. */
  readonly count: number;
}

/**
 * Names of a directory that end in a certain way (getdents64(2)). Costs 0.1 to 0.2 us a name, wanted or not;
 * those that are not are not made strings. May wait for a disk.
 * @param fd of the directory, not read from before
 * @param endings in ASCII
 * @param most names to look at, but for what the last call brings
 * @returns undefined where there are more, or the kernel does not tell
 */
export function namesEnding(fd: number, endings: readonly string[], most: number): FolderNames | undefined {
  const names = new Set<string>();
  const lastBytes = new Set(endings.map(ending => ending.charCodeAt(ending.length - 1)));
  let count = 0;
  for (;;) {
    const length = libc().getdents64(SYS_GETDENTS64, fd, entries, entries.length);
    if (length < 0 || count >= most) return undefined;
    if (length === 0) return { names, count };
    for (let at = 0; at < length; at += entries.readUInt16LE(at + ENTRY_LENGTH_AT)) {
      count += 1;
      const end = entries.indexOf(0, at + NAME_AT);
      if (!lastBytes.has(entries[end - 1] as number)) continue;
      const name = entries.toString('utf8', at + NAME_AT, end);
      if (endings.some(ending => name.endsWith(ending))) names.add(name);
    }
  }
}

/**
 * Reads what the page cache has of a file (preadv2(2), RWF_NOWAIT). Does not wait for a disk.
 * @param bytes memory that does not move: a mapping's, or at least some kilobytes of a Buffer's own
 * @returns how many bytes were read, fewer than wanted where the rest is not in memory, or the kernel cannot
 *   be asked so
 */
export function readCached(fd: number, bytes: Uint8Array, position: number): number {
  if (bytes.length === 0 || unsupportedReason() !== undefined) return 0;
  vector.writeBigUInt64LE(addressOf(bytes), 0);
  vector.writeBigUInt64LE(BigInt(bytes.length), LENGTH_AT);
  return Math.max(0, libc().preadv2(fd, vector, 1, position, RWF_NOWAIT));
}

/**
 * Lets the kernel drop a file's clean pages from its page cache (posix_fadvise(2)): what was read into
 * buffers of ours need not be kept a second time. Does nothing where that cannot be said.
 * @param length of the range from `offset` on, in bytes; 0: up to the file's end
 * @throws SystemError
 */
export function dropPageCache(fd: number, offset = 0, length = 0): void {
  if (unsupportedReason() !== undefined) return;
  const errno = libc().posix_fadvise(fd, offset, length, POSIX_FADV_DONTNEED);
  if (errno !== 0) throw new SystemError('posix_fadvise', errno, 'Cannot drop a file from the page cache');
}

/**
 * Has the kernel begin to read so many bytes of a file into its page cache (posix_fadvise(2)), and does not
 * wait for them. Does nothing where that cannot be said.
 */
export function beginReading(fd: number, length: number): void {
  if (unsupportedReason() === undefined) libc().posix_fadvise(fd, 0, length, POSIX_FADV_WILLNEED);
}

/** @returns a descriptor; a negated error number; undefined where the call is not to be had */
function open(path: string, how: Buffer): number | undefined {
  isAvailable ??= unsupportedReason() === undefined;
  if (!isAvailable || path.includes('\0') || !isWellFormed(path)) return undefined;
  const { openat2 } = libc();
  const fd = openat2(SYS_OPENAT2, AT_FDCWD, path, how, HOW_BYTES);
  if (descriptorOwners !== undefined && fd >= 0) descriptorOwners[fd] = THREAD;
  if (fd >= 0) return fd;
  const errno = lastErrno();
  if (REFUSALS.includes(errno)) isAvailable = false;
  return -errno;
}

function howOf(flags: number): Buffer {
  const how = Buffer.alloc(HOW_BYTES);
  how.writeBigUInt64LE(BigInt(flags));
  how.writeBigUInt64LE(BigInt(RESOLVE_CACHED | RESOLVE_NO_SYMLINKS), RESOLVE_AT);
  return how;
}
