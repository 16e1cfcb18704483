/**
 * libc, called through koffi without compiled code of our own. Loaded on first use, so that importing iolite
 * works on every platform; what needs the kernel fails there with `ERR_IOLITE_UNSUPPORTED`.
 */

import { endianness } from 'node:os';
import type koffi from 'koffi';
import { IoliteError, SystemError } from '../base/error.ts';
import { koffiProblem, loadKoffi } from './addon/koffi.ts';
import { enterNative, leaveNative } from './thread/termination.ts';

/** An address in this process. Addresses of user space fit into a double exactly. */
export type Address = number;

/** The calls we use. Pointers to memory of ours are passed as typed arrays, mapped memory as addresses. */
export interface Libc {
  accept4(fd: number, address: null, length: null, flags: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  close(fd: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  copy_file_range(
    input: number,
    inputAt: null,
    output: number,
    outputAt: null,
    count: number,
    flags: number,
  ): number;
  /** execve(2). Pointers to strings, and a null one behind the last. */
  execve(path: string, argumentPointers: BigUint64Array, environmentPointers: BigUint64Array): number;
  /** fcntl(2) with an integer. */
  fcntl(fd: number, command: number, value: number): number;
  /** fcntl(2) with a struct flock. */
  fcntlLock(fd: number, command: number, lock: Uint8Array): number;
  /** dlsym(3) among all that is loaded: the address of a function. */
  dlsym(library: null, name: string): Address;
  fchmod(fd: number, mode: number): number;
  fgetxattr(fd: number, name: string, value: Uint8Array, size: number): number;
  flistxattr(fd: number, names: Uint8Array, size: number): number;
  flock(fd: number, operation: number): number;
  fsetxattr(fd: number, name: string, value: Uint8Array, size: number, flags: number): number;
  ftruncate(fd: number, length: number): number;
  /** syscall(2), as not every C library has a function for getdents64(2). */
  getdents64(call: number, fd: number, entries: Uint8Array, size: number): number;
  getpeername(fd: number, address: Uint8Array, length: Uint8Array): number;
  getsockname(fd: number, address: Uint8Array, length: Uint8Array): number;
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, length: Uint8Array): number;
  getrlimit(resource: number, limits: Uint8Array): number;
  /** ioctl(2) with a pointer. */
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  /** syscall(2): the calls of landlock(7) have no functions in the C library. */
  landlockAddRule(call: number, ruleset: number, type: number, rule: Uint8Array, flags: number): number;
  landlockCreateRuleset(call: number, attributes: Uint8Array | null, size: number, flags: number): number;
  landlockRestrictSelf(call: number, ruleset: number, flags: number): number;
  linkat(fromFolder: number, from: string, toFolder: number, to: string, flags: number): number;
  listen(fd: number, backlog: number): number;
  lseek(fd: number, offset: number, whence: number): number;
  madvise(address: Address, length: number, advice: number): number;
  /** memcpy(3) from mapped memory. */
  memcpy(to: Uint8Array, from: Address, length: number): Address;
  memfd_create(name: string, flags: number): number;
  mmap(
    address: Address,
    length: number,
    protection: number,
    flags: number,
    fd: number,
    offset: number,
  ): Address;
  mprotect(address: Address, length: number, protection: number): number;
  munmap(address: Address, length: number): number;
  open(path: string, flags: number, mode: number): number;
  /** syscall(2), as openat2(2) has no function in the C library. */
  openat2(call: number, folder: number, path: string, how: Uint8Array, size: number): number;
  poll(fds: Uint8Array, count: number, milliseconds: number): number;
  posix_fadvise(fd: number, offset: number, length: number, advice: number): number;
  prctl(option: number, a: number, b: number, c: number, d: number): number;
  /** pthread_create(3) of a function that takes one register. */
  pthread_create(thread: Uint8Array, attributes: null, routine: Address, argument: number): number;
  pthread_tryjoin_np(thread: Address, result: null): number;
  preadv2(fd: number, vectors: Uint8Array, count: number, offset: number, flags: number): number;
  recv(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  recvmsg(fd: number, message: Uint8Array, flags: number): number;
  send(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  /** send(2) from mapped memory. */
  sendFrom(fd: number, address: Address, length: number, flags: number): number;
  sendfile(out: number, input: number, offset: Uint8Array | null, count: number): number;
  sendmsg(fd: number, message: Uint8Array, flags: number): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  shutdown(fd: number, how: number): number;
  socket(domain: number, type: number, protocol: number): number;
  socketpair(domain: number, type: number, protocol: number, fds: Uint8Array): number;
}

const PROTOTYPES: Record<keyof Libc, [symbol: string, result: string, parameters: string[]]> = {
  accept4: ['accept4', 'int', ['int', 'void*', 'void*', 'int']],
  bind: ['bind', 'int', ['int', 'void*', 'uint']],
  close: ['close', 'int', ['int']],
  connect: ['connect', 'int', ['int', 'void*', 'uint']],
  copy_file_range: ['copy_file_range', 'intptr', ['int', 'void*', 'int', 'void*', 'size_t', 'uint']],
  execve: ['execve', 'int', ['str', 'void*', 'void*']],
  fcntl: ['fcntl', 'int', ['int', 'int', 'int']],
  dlsym: ['dlsym', 'intptr', ['void*', 'str']],
  fchmod: ['fchmod', 'int', ['int', 'uint']],
  fcntlLock: ['fcntl', 'int', ['int', 'int', 'void*']],
  fgetxattr: ['fgetxattr', 'intptr', ['int', 'str', 'void*', 'size_t']],
  flistxattr: ['flistxattr', 'intptr', ['int', 'void*', 'size_t']],
  flock: ['flock', 'int', ['int', 'int']],
  fsetxattr: ['fsetxattr', 'int', ['int', 'str', 'void*', 'size_t', 'int']],
  ftruncate: ['ftruncate', 'int', ['int', 'int64']],
  getdents64: ['syscall', 'intptr', ['intptr', 'int', 'void*', 'size_t']],
  getpeername: ['getpeername', 'int', ['int', 'void*', 'void*']],
  getsockname: ['getsockname', 'int', ['int', 'void*', 'void*']],
  getsockopt: ['getsockopt', 'int', ['int', 'int', 'int', 'void*', 'void*']],
  getrlimit: ['getrlimit', 'int', ['int', 'void*']],
  ioctl: ['ioctl', 'int', ['int', 'ulong', 'void*']],
  landlockAddRule: ['syscall', 'intptr', ['intptr', 'int', 'int', 'void*', 'uint']],
  landlockCreateRuleset: ['syscall', 'intptr', ['intptr', 'void*', 'size_t', 'uint']],
  landlockRestrictSelf: ['syscall', 'intptr', ['intptr', 'int', 'uint']],
  linkat: ['linkat', 'int', ['int', 'str', 'int', 'str', 'int']],
  listen: ['listen', 'int', ['int', 'int']],
  lseek: ['lseek', 'int64', ['int', 'int64', 'int']],
  madvise: ['madvise', 'int', ['intptr', 'size_t', 'int']],
  memcpy: ['memcpy', 'intptr', ['void*', 'intptr', 'size_t']],
  memfd_create: ['memfd_create', 'int', ['str', 'uint']],
  mmap: ['mmap', 'intptr', ['intptr', 'size_t', 'int', 'int', 'int', 'int64']],
  mprotect: ['mprotect', 'int', ['intptr', 'size_t', 'int']],
  munmap: ['munmap', 'int', ['intptr', 'size_t']],
  open: ['open', 'int', ['str', 'int', 'int']],
  openat2: ['syscall', 'intptr', ['intptr', 'int', 'str', 'void*', 'size_t']],
  poll: ['poll', 'int', ['void*', 'ulong', 'int']],
  posix_fadvise: ['posix_fadvise', 'int', ['int', 'int64', 'int64', 'int']],
  prctl: ['prctl', 'int', ['int', 'ulong', 'ulong', 'ulong', 'ulong']],
  pthread_create: ['pthread_create', 'int', ['void*', 'void*', 'intptr', 'intptr']],
  pthread_tryjoin_np: ['pthread_tryjoin_np', 'int', ['intptr', 'void*']],
  preadv2: ['preadv2', 'intptr', ['int', 'void*', 'int', 'int64', 'int']],
  recv: ['recv', 'intptr', ['int', 'void*', 'size_t', 'int']],
  recvmsg: ['recvmsg', 'intptr', ['int', 'void*', 'int']],
  send: ['send', 'intptr', ['int', 'void*', 'size_t', 'int']],
  sendFrom: ['send', 'intptr', ['int', 'intptr', 'size_t', 'int']],
  sendfile: ['sendfile', 'intptr', ['int', 'int', 'void*', 'size_t']],
  sendmsg: ['sendmsg', 'intptr', ['int', 'void*', 'int']],
  setsockopt: ['setsockopt', 'int', ['int', 'int', 'int', 'void*', 'uint']],
  shutdown: ['shutdown', 'int', ['int', 'int']],
  socket: ['socket', 'int', ['int', 'int', 'int']],
  socketpair: ['socketpair', 'int', ['int', 'int', 'int', 'void*']],
};

interface LoadedLibrary {
  readonly koffi: typeof koffi;
  readonly libc: Libc;
}

let loaded: LoadedLibrary | IoliteError | undefined;

function load(): LoadedLibrary | IoliteError {
  if (process.platform !== 'linux')
    return unsupported(`the platform is ${process.platform}, Linux is needed`);
  if (endianness() !== 'LE') return unsupported('the processor is big-endian');
  if (process.arch !== 'x64' && process.arch !== 'arm64') {
    return unsupported(`the processor is ${process.arch}, x64 or arm64 is needed`);
  }
  enterNative();
  try {
    const library = loadKoffi();
    // The C library that the process itself runs on, glibc or musl, whatever its file is called.
    const self = library.load(null);
    const calls = Object.entries(PROTOTYPES).map(([name, [symbol, result, parameters]]) => [
      name,
      self.func(symbol, result, parameters),
    ]);
    return { koffi: library, libc: Object.fromEntries(calls) as Libc };
  } catch (cause) {
    return unsupported(koffiProblem(cause), cause);
  } finally {
    leaveNative();
  }
}

function unsupported(why: string, cause?: unknown): IoliteError {
  const options = cause === undefined ? undefined : { cause };
  return new IoliteError('ERR_IOLITE_UNSUPPORTED', `Cannot use shared memory: ${why}`, options);
}

function need(): LoadedLibrary {
  loaded ??= load();
  if (loaded instanceof IoliteError) throw loaded;
  return loaded;
}

/** Why shared memory cannot be used here, or undefined where it can. */
export function unsupportedReason(): IoliteError | undefined {
  loaded ??= load();
  return loaded instanceof IoliteError ? loaded : undefined;
}

/** The calls themselves. Throws `ERR_IOLITE_UNSUPPORTED` elsewhere than on Linux. */
export function libc(): Libc {
  return need().libc;
}

/**
 * Makes a call in libuv's thread pool: for what waits for a disk. Give it numbers only, no memory.
 * @returns its result; of a call that failed, -1 and no errno
 */
export function callInThreadPool<Name extends keyof Libc>(
  name: Name,
  ...parameters: Parameters<Libc[Name]>
): Promise<number> {
  const call = libc()[name] as unknown as { async(...parameters: unknown[]): void };
  return new Promise((resolve, reject) => {
    call.async(...parameters, (error: Error | null, result: number) =>
      error === null ? resolve(result) : reject(error),
    );
  });
}

/** Memory of this process as an ArrayBuffer that does not own it. Costs 10 us and more: one a mapping. */
export function viewOf(address: Address, length: number): ArrayBuffer {
  const { koffi } = need();
  enterNative();
  try {
    return koffi.view(address, length);
  } finally {
    leaveNative();
  }
}

/** The address of a typed array's first byte; valid while the array is alive. */
export function addressOf(bytes: Uint8Array): bigint {
  return need().koffi.address(bytes);
}

/** A copy of memory of this process. The caller knows that it is there. */
export function copyFrom(address: Address, length: number): Buffer {
  const copy = Buffer.from(new ArrayBuffer(length));
  if (length > 0) libc().memcpy(copy, address, length);
  return copy;
}

/** What the last call left in errno. Only meaningful right after a call that failed. */
export function lastErrno(): number {
  return need().koffi.errno();
}

/** Passes on the result of a call, or throws what it left in errno. @param attempted begins the message. */
export function checked(result: number, syscall: string, attempted: string): number {
  if (result !== -1) return result;
  throw new SystemError(syscall, lastErrno(), attempted);
}
