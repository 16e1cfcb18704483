import { statfsSync } from 'node:fs';
import {
  F_ADD_SEALS,
  F_GET_SEALS,
  F_GETFL,
  HUGETLBFS_MAGIC,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  O_ACCMODE,
} from './constants.ts';
import { closeDescriptor } from './descriptor.ts';
import { checked, libc } from './libc.ts';
import { descriptorOwners } from './thread/ledger.ts';
import { THREAD } from './thread/termination.ts';

/** Seals of a memfd, as bits (fcntl(2), "File Sealing"). */
export const Seal = {
  /** No more seals. */
  SEAL: 0x1,
  SHRINK: 0x2,
  GROW: 0x4,
  /** Nobody writes any more; needs that no writable mapping is left. */
  WRITE: 0x8,
  /** Nobody but the mappings that exist already. */
  FUTURE_WRITE: 0x10,
} as const;

/**
 * What a memfd is made with lets every user write who comes by a descriptor of it. We have a descriptor that
 * writes already; others, of our own user too, get what they can open anew for reading only, and so lock for
 * reading only.
 */
const MODE = 0o444;

/**
 * Makes an anonymous file of `size` bytes, all zero, that can be sealed. Others may read it, given a
 * descriptor.
 * @param name shown in /proc/<pid>/maps as `/memfd:name`; it need not be unique
 * @returns a read-write descriptor, closed on exec; the caller closes it
 * @throws SystemError, e.g. EMFILE, ENOMEM
 */
export function createMemfd(name: string, size: number): number {
  const attempted = `Cannot create a memfd of ${size} bytes`;
  const { memfd_create } = libc();
  const fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (descriptorOwners !== undefined) descriptorOwners[fd] = THREAD;
  checked(fd, 'memfd_create', attempted);
  try {
    checked(libc().fchmod(fd, MODE), 'fchmod', attempted);
    checked(libc().ftruncate(fd, size), 'ftruncate', attempted);
    return fd;
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

/** Adds seals; they cannot be taken off. @throws SystemError: EBUSY when a writable mapping forbids WRITE. */
export function addSeals(fd: number, seals: number): void {
  checked(libc().fcntl(fd, F_ADD_SEALS, seals), 'fcntl', 'Cannot seal a memfd');
}

/** The seals of a memfd. @throws SystemError: EINVAL when the descriptor is not a memfd or of a like kind. */
export function getSeals(fd: number): number {
  return checked(libc().fcntl(fd, F_GET_SEALS, 0), 'fcntl', 'Cannot read the seals of a descriptor');
}

/**
 * Whether its pages come from the reserve of huge pages. That may run out, and then touching a mapping is
 * SIGBUS.
 */
export function usesHugePages(fd: number): boolean {
  return statfsSync(`/proc/self/fd/${fd}`).type === HUGETLBFS_MAGIC;
}

/** Whether the descriptor was opened for reading only. */
export function isReadOnly(fd: number): boolean {
  const flags = checked(libc().fcntl(fd, F_GETFL, 0), 'fcntl', 'Cannot read the flags of a descriptor');
  return (flags & O_ACCMODE) === 0;
}
