import { readFileSync } from 'node:fs';
import { SystemError } from '../../base/error.ts';
import {
  EINVAL,
  EPERM,
  MADV_DONTNEED,
  MADV_HUGEPAGE,
  MADV_POPULATE_WRITE,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_READ,
  PROT_WRITE,
} from '../constants.ts';
import { type Address, checked, lastErrno, libc } from '../libc.ts';
import { claimMapping, freeMapping, mappingAddresses } from '../thread/ledger.ts';
import { MappedMemory, type MappedRange, type Mapping, mapZeros } from './mapped-memory.ts';
import { refusedPlace, uncountedMemory } from './uncounted-memory.ts';

/** How a file is mapped. */
export type Protection =
  /** Pages shared with every mapping of the file; writes reach all of them. */
  | 'read-write'
  /** Pages shared; a write ends the process with SIGSEGV. */
  | 'read-only'
  /** Pages shared until written; a write stays in a page of this process alone. */
  | 'copy-on-write';

/**
 * A peer's chunks are made present up to this length, 5 ms, as the event loop stands still meanwhile. The
 * pages of longer ones come as they are read, sixteen at a time.
 */
const MAX_POPULATED_BYTES = 64 * 1024 ** 2;

/**
 * Maps the first `length` bytes of a file.
 * @param populate make the pages present at once instead of at first touch; of a file without holes, or a new
 *   one, when it is for writing. A 'read-only' mapping above 64 MiB is not made present
 * @throws SystemError, e.g. ENOMEM, EPERM for a writable mapping of a sealed memfd
 */
export function map(fd: number, length: number, protection: Protection, populate: boolean): MappedMemory {
  const populateFlag =
    populate && protection === 'read-only' && length <= MAX_POPULATED_BYTES ? MAP_POPULATE : 0;
  // Populating a writable private mapping would copy every page: never.
  const flags = protection === 'copy-on-write' ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED | populateFlag;
  const access = protection === 'read-only' ? PROT_READ : PROT_READ | PROT_WRITE;
  let place = placeFor(length, protection);
  let address = mapAt(place, access, flags, fd);
  if (address === -1 && place.buffer !== undefined) {
    // What was there may be gone, and memory of another thread have come: nothing is mapped there again.
    refusedPlace(place.buffer);
    place = { address: 0, length, place: claimMapping(length) };
    address = mapAt(place, access, flags, fd);
  }
  // Kernels before 6.7 refuse even a read-only shared mapping of a write-sealed memfd.
  if (address === -1 && protection === 'read-only' && lastErrno() === EPERM) {
    address = mapAt(place, access, MAP_PRIVATE | populateFlag, fd);
  }
  if (address === -1) {
    const errno = lastErrno();
    giveBack(place);
    throw new SystemError('mmap', errno, `Cannot map ${length} bytes ${protection}`);
  }
  const range = { ...place, address };
  const isToWrite = populate && protection === 'read-write';
  const isPopulated = isToWrite && populateForWriting(range);
  const memory = new MappedMemory(address, length, range);
  if (isToWrite && !isPopulated) touch(memory.bytes);
  return memory;
}

/** Addresses for a file: V8's, but for what programs write; or whichever the kernel chooses (0). */
function placeFor(length: number, protection: Protection): MappedRange {
  const uncounted = protection === 'copy-on-write' ? undefined : uncountedMemory(length);
  if (uncounted !== undefined) return { ...uncounted, length, place: undefined };
  return { address: 0, length, place: claimMapping(length) };
}

/** Of addresses that nothing is to be mapped at any more. */
function giveBack({ address, length, place, buffer }: MappedRange): void {
  // Nothing else may come where V8 is going to unmap.
  if (buffer !== undefined && !mapZeros(address, length)) refusedPlace(buffer);
  else if (buffer === undefined && address !== 0) libc().munmap(address, length);
  if (place !== undefined) freeMapping(place);
}

/**
 * Makes the pages of a writable mapping present, and dirty: MAP_POPULATE leaves those of a shared file clean,
 * and the kernel may take back what is clean, which would make it a hole again.
 * @returns false where the kernel does not know how
 * @throws SystemError when there is no memory for them; nothing is mapped then
 */
function populateForWriting(range: MappedRange): boolean {
  const { address, length } = range;
  if (libc().madvise(address, length, MADV_POPULATE_WRITE) !== -1) return true;
  const errno = lastErrno();
  if (errno === EINVAL) return false;
  giveBack(range);
  throw new SystemError('madvise', errno, `Cannot populate a mapping of ${length} bytes`);
}

const PAGE_BYTES = 4096;

/** The same for kernels before 5.14. The memory is new, all zeros. */
function touch(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at += PAGE_BYTES) bytes[at] = 0;
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
export function mapPrivate(length: number): MappedMemory {
  const whole = length + HUGE_PAGE_BYTES;
  const place = claimMapping(whole);
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  const start = mapAt({ address: 0, length: whole, place }, PROT_READ | PROT_WRITE, flags, -1);
  if (start === -1) {
    const errno = lastErrno();
    if (place !== undefined) freeMapping(place);
    throw new SystemError('mmap', errno, `Cannot map ${length} bytes`);
  }
  const address = Math.ceil(start / HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES;
  // Where it is refused the pages are small.
  if (length > HUGE_PAGE_BYTES)
    libc().madvise(address + HUGE_PAGE_BYTES, length - HUGE_PAGE_BYTES, MADV_HUGEPAGE);
  return new MappedMemory(address, length, { address: start, length: whole, place });
}

/** mmap(2), mostly of a file's start; the address is noted in the thread's ledger as it comes (see there). */
function mapAt(
  { address, length, place, buffer }: MappedRange,
  access: number,
  flags: number,
  fd: number,
): Address {
  const { mmap } = libc();
  const mapped = mmap(address, length, access, buffer === undefined ? flags : flags | MAP_FIXED, fd, 0);
  if (place !== undefined && mappingAddresses !== undefined && mapped !== -1)
    mappingAddresses[place] = mapped;
  return mapped;
}

/** Mappings that a process may have, if the kernel does not say. */
const USUAL_MAPPINGS = 65_530;
let most: number | undefined;

/** How many mappings a process may have (vm.max_map_count). Where there are no more, V8 ends the process. */
export function mostMappings(): number {
  if (most === undefined) {
    most = USUAL_MAPPINGS;
    try {
      most = Number(readFileSync('/proc/sys/vm/max_map_count', 'latin1')) || USUAL_MAPPINGS;
    } catch {
      // There is no /proc.
    }
  }
  return most;
}

/** A part of a file in a range of addresses. All in bytes, and multiples of the page size. */
export interface MappedPart {
  /** Where in the range it lies. */
  readonly at: number;
  readonly fd: number;
  /** Where in the file it begins. */
  readonly offset: number;
  readonly length: number;
}

/**
 * Maps parts of files side by side into one range, all of which can be read only. What lies between them is
 * memory of this process alone. Costs some microseconds a part.
 * @param fill writes what lies between, into the range that is given to it
 * @throws SystemError: ENOMEM; nothing is mapped then
 */
export function mapTogether(
  length: number,
  parts: readonly MappedPart[],
  fill: (range: Buffer) => void,
): MappedMemory {
  const { mmap, mprotect } = libc();
  const place = claimMapping(length);
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  const address = mapAt({ address: 0, length, place }, PROT_READ | PROT_WRITE, flags, -1);
  if (address === -1) {
    const errno = lastErrno();
    if (place !== undefined) freeMapping(place);
    throw new SystemError('mmap', errno, `Cannot map ${length} bytes`);
  }
  const memory = new MappedMemory(address, length, { address, length, place });
  try {
    fill(memory.bytes);
    checked(mprotect(address, length, PROT_READ), 'mprotect', 'Cannot protect pages');
    const populate = length <= MAX_POPULATED_BYTES ? MAP_POPULATE : 0;
    for (const part of parts) {
      const place = (sharing: number): number =>
        mmap(address + part.at, part.length, PROT_READ, sharing | MAP_FIXED | populate, part.fd, part.offset);
      // As in map().
      if (place(MAP_SHARED) !== -1 || (lastErrno() === EPERM && place(MAP_PRIVATE) !== -1)) continue;
      throw new SystemError('mmap', lastErrno(), `Cannot map ${part.length} bytes read-only`);
    }
  } catch (error) {
    abandon(memory);
    throw error;
  }
  return memory;
}

/** Unmaps what a thread that has ended left: no view of it can exist any more. */
export function unmapLeft(address: Address, length: number): void {
  libc().munmap(address, length);
}

/**
 * Lets go of the file behind a mapping at once, whoever still holds a view: the address range becomes
 * private memory that reads as zeros and costs nothing until written. Does not throw: who lets go has nobody
 * to tell.
 * @returns false where the kernel has no memory for that. Then the mapping goes when all views of it have
 */
export function abandon(mapping: MappedMemory): boolean {
  if (!mapZeros(mapping.address, mapping.length)) return false;
  mapping.emptied();
  return true;
}

/** As {@link abandon}, for who cannot go on without. @throws SystemError: ENOMEM; it is mapped as before */
export function unmapFile(mapping: MappedMemory): void {
  if (abandon(mapping)) return;
  throw new SystemError('mmap', lastErrno(), `Cannot abandon a mapping of ${mapping.length} bytes`);
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
