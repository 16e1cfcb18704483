import { IoliteError, SystemError } from '../base/error.ts';
import {
  EPERM,
  MADV_DONTNEED,
  MADV_HUGEPAGE,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_READ,
  PROT_WRITE,
} from './constants.ts';
import { claimMapping, freeMapping, mappingAddresses } from './ledger.ts';
import { type Address, checked, lastErrno, libc, viewOf } from './libc.ts';

/** How a file is mapped. */
export type Protection =
  /** Pages shared with every mapping of the file; writes reach all of them. */
  | 'read-write'
  /** Pages shared; a write ends the process with SIGSEGV. */
  | 'read-only'
  /** Pages shared until written; a write stays in a page of this process alone. */
  | 'copy-on-write';

/** Mapped memory and its one view. The view may outlive the mapping's use: it never becomes invalid. */
export interface Mapping {
  readonly address: Address;
  readonly length: number;
  readonly bytes: Buffer;
}

/**
 * Unmapping under a live view would crash on its next use. So it waits until the collector has taken the
 * view's ArrayBuffer, and with it every Buffer made from it.
 */
const unmapCollected = new FinalizationRegistry<{
  address: Address;
  length: number;
  place: number | undefined;
}>(({ address, length, place }) => {
  const { munmap } = libc();
  if (place !== undefined && mappingAddresses !== undefined) mappingAddresses[place] = 0;
  munmap(address, length);
  if (place !== undefined) freeMapping(place);
});

/**
 * ArrayBuffer.prototype.transfer would move the memory to an object that the finaliser above knows nothing
 * of, to be unmapped under it. (structuredClone and postMessage copy such memory or refuse it. A BYOB reader
 * of a WHATWG stream moves it, whatever it is, out of the view it is given: see {@link abandon}.)
 */
const NOT_TRANSFERABLE: PropertyDescriptor = {
  value: () => {
    throw new IoliteError(
      'ERR_IOLITE_UNSUPPORTED',
      'Cannot transfer an ArrayBuffer of iolite: its memory is mapped',
    );
  },
};

/**
 * Maps the first `length` bytes of a file.
 * @param populate make the pages present at once instead of at first touch
 * @throws SystemError, e.g. ENOMEM, EPERM for a writable mapping of a sealed memfd
 */
export function map(fd: number, length: number, protection: Protection, populate: boolean): Mapping {
  const populateFlag = populate ? MAP_POPULATE : 0;
  const attempted = `Cannot map ${length} bytes ${protection}`;
  const place = claimMapping(length);
  // Populating a writable private mapping would copy every page: never.
  const flags = protection === 'copy-on-write' ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED | populateFlag;
  const access = protection === 'read-only' ? PROT_READ : PROT_READ | PROT_WRITE;
  let address = mapNoted(length, access, flags, fd, place);
  // Kernels before 6.7 refuse even a read-only shared mapping of a write-sealed memfd.
  if (address === -1 && protection === 'read-only' && lastErrno() === EPERM) {
    address = mapNoted(length, access, MAP_PRIVATE | populateFlag, fd, place);
  }
  if (address === -1) {
    const errno = lastErrno();
    if (place !== undefined) freeMapping(place);
    throw new SystemError('mmap', errno, attempted);
  }
  const buffer = viewOf(address, length);
  Object.defineProperties(buffer, { transfer: NOT_TRANSFERABLE, transferToFixedLength: NOT_TRANSFERABLE });
  unmapCollected.register(buffer, { address, length, place }, buffer);
  return { address, length, bytes: Buffer.from(buffer) };
}

/** Of x86-64, and of arm64 with pages of 4 KiB; elsewhere it is a multiple of them or none is given. */
const HUGE_PAGE_BYTES = 2 * 1024 ** 2;

/**
 * Memory of this process alone, all zeros, which costs nothing until it is written. It lies in huge pages
 * where the kernel gives them (MADV_HUGEPAGE, madvise(2)), so that what is found in it by chance costs one
 * look at the page tables and not four; the first of them is left to small pages, for those who need no more.
 * @param length in bytes, a multiple of 2 MiB
 * @throws SystemError, e.g. ENOMEM; ERR_IOLITE_UNSUPPORTED
 */
export function mapPrivate(length: number): Mapping {
  const whole = length + HUGE_PAGE_BYTES;
  const place = claimMapping(whole);
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  const start = mapNoted(whole, PROT_READ | PROT_WRITE, flags, -1, place);
  if (start === -1) {
    const errno = lastErrno();
    if (place !== undefined) freeMapping(place);
    throw new SystemError('mmap', errno, `Cannot map ${length} bytes`);
  }
  const address = Math.ceil(start / HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES;
  // Where it is refused the pages are small.
  if (length > HUGE_PAGE_BYTES)
    libc().madvise(address + HUGE_PAGE_BYTES, length - HUGE_PAGE_BYTES, MADV_HUGEPAGE);
  const buffer = viewOf(address, length);
  Object.defineProperties(buffer, { transfer: NOT_TRANSFERABLE, transferToFixedLength: NOT_TRANSFERABLE });
  unmapCollected.register(buffer, { address: start, length: whole, place }, buffer);
  return { address, length, bytes: Buffer.from(buffer) };
}

/** mmap(2), mostly of a file's start; the address is noted in the thread's ledger as it comes (see there). */
function mapNoted(
  length: number,
  access: number,
  flags: number,
  fd: number,
  place: number | undefined,
): Address {
  const { mmap } = libc();
  const address = mmap(0, length, access, flags, fd, 0);
  if (place !== undefined && mappingAddresses !== undefined && address !== -1)
    mappingAddresses[place] = address;
  return address;
}

/** Unmaps what a thread that has ended left: no view of it can exist any more. */
export function unmapLeft(address: Address, length: number): void {
  libc().munmap(address, length);
}

/**
 * Lets go of the file behind a mapping at once, whoever still holds a view: the address range becomes
 * private memory that reads as zeros and costs nothing until written.
 */
export function abandon(mapping: Mapping): void {
  const { address, length } = mapping;
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
  const result = libc().mmap(address, length, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (result === -1)
    throw new SystemError('mmap', lastErrno(), `Cannot abandon a mapping of ${length} bytes`);
  // Moved to an ArrayBuffer that nobody knows: the address range must stay, it costs nothing by now.
  const { buffer } = mapping.bytes;
  if (buffer.byteLength === 0) unmapCollected.unregister(buffer);
}

/**
 * Drops this process's page table entries for a range of a shared file mapping. The data stays in the file,
 * and the next touch brings a page back. @param offset in bytes, a multiple of the page size
 */
export function forgetPages(mapping: Mapping, offset: number, length: number): void {
  checked(libc().madvise(mapping.address + offset, length, MADV_DONTNEED), 'madvise', 'Cannot forget pages');
}

/**
 * Lets a range of a 'read-write' mapping be written, or makes a write into it end the process with SIGSEGV.
 * Costs two microseconds, and ten to twenty for each MiB; no page fault follows.
 * @param offset in bytes, a multiple of the page size
 * @throws SystemError: ENOMEM when the process has too many different ranges (vm.max_map_count)
 */
export function protectPages(mapping: Mapping, offset: number, length: number, isWritable: boolean): void {
  const access = isWritable ? PROT_READ | PROT_WRITE : PROT_READ;
  checked(libc().mprotect(mapping.address + offset, length, access), 'mprotect', 'Cannot protect pages');
}
