import { fstatSync } from 'node:fs';
import {
  F_DUPFD_CLOEXEC,
  F_GET_SEALS,
  F_SETFD,
  FD_CLOEXEC,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDONLY,
  RLIMIT_NOFILE,
  SEEK_CUR,
} from './constants.ts';
import { type Address, callInThreadPool, checked, libc, unsupportedReason } from './libc.ts';
import { descriptorOwners } from './thread/ledger.ts';
import { THREAD } from './thread/termination.ts';

/** Closes a descriptor. Errors are ignored: on Linux the descriptor is gone whatever close(2) answers. */
export function closeDescriptor(fd: number): void {
  const { close } = libc();
  if (descriptorOwners !== undefined) descriptorOwners[fd] = 0;
  close(fd);
}

/**
 * Opens the file behind `fd` again, read-only: an open file description of its own, with offset, locks and
 * access mode of its own. Works for memfds of other processes too, and does not wait: where another process
 * holds a write lease on the file (F_SETLEASE, fcntl(2)) an open that waits does so for 45 seconds.
 * @throws SystemError: EMFILE; EAGAIN where such a lease is held
 */
export function reopenReadOnly(fd: number): number {
  const attempted = `Cannot reopen descriptor ${fd} read-only`;
  const { open } = libc();
  const opened = open(`/proc/self/fd/${fd}`, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  if (descriptorOwners !== undefined) descriptorOwners[opened] = THREAD;
  return checked(opened, 'open', attempted);
}

/**
 * Another descriptor of the same open file description, closed on exec. The caller closes it. @throws
 * SystemError: EMFILE
 */
export function duplicateDescriptor(fd: number): number {
  const attempted = `Cannot duplicate descriptor ${fd}`;
  return checked(libc().fcntl(fd, F_DUPFD_CLOEXEC, 0), 'fcntl', attempted);
}

/** Keeps a descriptor that was inherited from being inherited further. @throws SystemError: EBADF */
export function closeOnExec(fd: number): void {
  checked(libc().fcntl(fd, F_SETFD, FD_CLOEXEC), 'fcntl', `Cannot mark descriptor ${fd} close-on-exec`);
}

/** Lets a program that this process becomes have a descriptor (execve(2)). */
export function keepOnExec(fd: number): void {
  checked(libc().fcntl(fd, F_SETFD, 0), 'fcntl', `Cannot pass descriptor ${fd} on`);
}

/** Notes a descriptor that this thread took over, to be closed should the thread be terminated. */
export function noteDescriptor(fd: number): void {
  if (descriptorOwners !== undefined) descriptorOwners[fd] = THREAD;
}

/**
 * How many descriptors this process may have open just now (getrlimit(2)); Infinity where the kernel cannot
 * be asked.
 */
export function descriptorLimit(): number {
  if (unsupportedReason() !== undefined) return Number.POSITIVE_INFINITY;
  const limits = new BigUint64Array(2);
  if (libc().getrlimit(RLIMIT_NOFILE, new Uint8Array(limits.buffer)) === -1) return Number.POSITIVE_INFINITY;
  return Number(limits[0]);
}

/**
 * Descriptors of other processes' choice. Of most kinds nearly every call may wait as long as that process
 * likes: close(2) of a socket that lingers, or of a file of FUSE; fstat(2), open(2), even setsockopt(2) while
 * its sender keeps the socket locked. What may be asked of any of them is F_GET_SEALS, which only a memfd
 * answers, and of that nothing waits.
 */

/** What stat(2) counts blocks in. */
const BLOCK_BYTES = 512;

/** Threads that may wait in close(2) at a time; more descriptors stay open until one of them has ended. */
const MAX_THREADS = 256;
/** After this threads that have ended are looked for. */
const LOOK_PAUSE_MS = 1000;

/** Threads that were not seen to have ended, as pthread_t. */
let threads: Address[] = [];
const waiting: number[] = [];
let timer: NodeJS.Timeout | undefined;

/**
 * Bytes of memory that are freed within milliseconds. Whoever closes a file last frees it: its owner may have
 * let go of it before.
 */
const SOON_FREED_BYTES = 16 * 1024 ** 2;

/** Whether it is a memfd, or a file of a like kind. Waits for nothing, whatever it is. */
function isMemfd(fd: number): boolean {
  return libc().fcntl(fd, F_GET_SEALS, 0) !== -1;
}

/**
 * Closes a descriptor that another process passed, without waiting: what is no memfd, or a large one, is
 * closed in a thread of its own, some 30 us. (Not in libuv's pool, whose four threads would soon all wait.)
 */
export function discardForeign(fd: number): void {
  if (isMemfd(fd)) closeMemfd(fd, fstatSync(fd).blocks * BLOCK_BYTES);
  else closeElsewhere(fd);
}

/** Closes a memfd, a large one in a thread of its own. @param length of its memory, in bytes */
export function closeMemfd(fd: number, length: number): void {
  if (length <= SOON_FREED_BYTES) closeDescriptor(fd);
  else closeElsewhere(fd);
}

/** Closes a descriptor in a thread of its own. */
export function closeElsewhere(fd: number): void {
  if (descriptorOwners !== undefined) descriptorOwners[fd] = 0;
  waiting.push(fd);
  closeWaiting();
}

function closeWaiting(): void {
  clearTimeout(timer);
  const { pthread_tryjoin_np } = libc();
  threads = threads.filter(thread => pthread_tryjoin_np(thread, null) !== 0);
  while (waiting.length > 0 && threads.length < MAX_THREADS) startClosing(waiting.pop() as number);
  // Threads that were not joined keep their stacks.
  if (threads.length > 0) timer = setTimeout(closeWaiting, LOOK_PAUSE_MS).unref();
}

/** The thread runs close(2) itself, which takes a number and returns: nothing of JavaScript is in it. */
function startClosing(fd: number): void {
  const { dlsym, pthread_create } = libc();
  const close = dlsym(null, 'close');
  const thread = new BigInt64Array(1);
  const bytes = new Uint8Array(thread.buffer);
  if (close !== 0 && pthread_create(bytes, null, close, fd) === 0) threads.push(Number(thread[0]));
  else void callInThreadPool('close', fd);
}

/**
 * Moves the place from which a descriptor is read next (lseek(2)): for whoever has read more of a file than
 * it has used, and shares the descriptor with others.
 * @param bytes how far; back where it is negative
 * @throws SystemError: ESPIPE of what has no places
 */
export function movePlace(fd: number, bytes: number): void {
  checked(libc().lseek(fd, bytes, SEEK_CUR), 'lseek', `Cannot move by ${bytes} bytes in a file`);
}
