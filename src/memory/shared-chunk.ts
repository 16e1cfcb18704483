import { invariant } from '../base/invariant.ts';
import { closeDescriptor, reopenReadOnly } from '../os/descriptor.ts';
import { isLockedElsewhere, tryLockExclusive, tryLockShared, unlock } from '../os/lock.ts';
import { abandon, forgetPages, type Mapping, map, protectPages } from '../os/mapping.ts';
import { addSeals, createMemfd, Seal } from '../os/memfd.ts';
import type { AccessList } from './acl.ts';
import { HEADER_BYTES, type OwnedChunk, PAGE_BYTES, roundUp } from './chunk.ts';
import { MAX_GENERATION, writeGeneration, writeHeader } from './header.ts';

/**
 * A chunk of shared memory that this domain made: one memfd, mapped once for writing and then sealed, so
 * that this mapping stays the only way to write it. Other domains get descriptors that can only read.
 */
export class SharedChunk implements OwnedChunk {
  readonly memory = 'shared';
  readonly payloadStart = HEADER_BYTES;
  readonly id: string;
  readonly size: number;
  readonly acl: AccessList;
  /** Whether it was made for a single large buffer. */
  readonly sole: boolean;
  /** Called once when the chunk is dropped: channels take back their grants of it. */
  readonly onDrop = new Set<() => void>();
  #generation: number;
  readonly #fd: number;
  #mapping: Mapping;
  readonly #onIdle: (chunk: SharedChunk) => void;
  /** Whether a descriptor ever left, so that other domains may hold leases. */
  #granted = false;
  #frozen = false;
  #dropped = false;
  #spent: boolean;
  /** Whether pages can be written only while they are open. */
  readonly #guarded: boolean;

  /**
   * @param name of the pool, for /proc/<pid>/maps
   * @param size in bytes with the header, a multiple of the page size
   * @param options `refill` false: it has its last generation from the start, which tells all who get it;
   *   `guarded`: no page of it can be written before {@link open}
   * @throws SystemError: ENOMEM, EMFILE
   */
  constructor(
    name: string,
    size: number,
    options: {
      readonly acl: AccessList;
      readonly sole: boolean;
      readonly refill: boolean;
      readonly guarded?: boolean;
    },
    onIdle: (chunk: SharedChunk) => void,
  ) {
    this.#fd = createMemfd(`iolite:${name}`, size);
    try {
      this.#mapping = map(this.#fd, size, 'read-write', true);
      addSeals(this.#fd, Seal.SHRINK | Seal.GROW | Seal.FUTURE_WRITE);
    } catch (error) {
      closeDescriptor(this.#fd);
      throw error;
    }
    this.#generation = options.refill ? 1 : MAX_GENERATION;
    this.#spent = !options.refill;
    this.#guarded = options.guarded ?? false;
    this.id = writeHeader(this.#mapping.bytes, this.#generation, options.acl);
    this.size = size;
    this.acl = options.acl;
    this.sole = options.sole;
    this.#onIdle = onIdle;
    this.shut(0, size);
  }

  get generation(): number {
    return this.#generation;
  }

  get bytes(): Buffer {
    return this.#mapping.bytes;
  }

  /** Whether nobody can change the bytes any more. */
  get frozen(): boolean {
    return this.#frozen;
  }

  get spent(): boolean {
    return this.#spent;
  }

  sendableDescriptor(): number {
    this.#spent = true;
    return this.#fd;
  }

  leaseEnded(): void {
    this.#onIdle(this);
  }

  isLeasedElsewhere(): boolean {
    return this.#granted && !this.#dropped && isLockedElsewhere(this.#fd);
  }

  renew(): boolean {
    invariant(!this.#dropped && !this.#frozen, 'a chunk that was dropped or frozen is not filled again');
    if (this.#generation === MAX_GENERATION) return false;
    // The write lock is held for this instant only: whoever leases afterwards compares generations first.
    if (this.#granted && !tryLockExclusive(this.#fd)) return false;
    this.#generation += 1;
    this.open(0, HEADER_BYTES);
    writeGeneration(this.#mapping.bytes, this.#generation);
    this.shut(0, HEADER_BYTES);
    if (this.#granted) unlock(this.#fd);
    return true;
  }

  freeze(): void {
    invariant(!this.#dropped && !this.#frozen, 'a chunk is frozen once, and before it is dropped');
    abandon(this.#mapping);
    addSeals(this.#fd, Seal.WRITE);
    this.#mapping = map(this.#fd, this.size, 'read-only', false);
    this.#frozen = true;
  }

  open(start: number, end: number): void {
    if (this.#guarded) this.#protect(start, end, true);
  }

  shut(start: number, end: number): void {
    if (this.#guarded && !this.#dropped) this.#protect(start, end, false);
  }

  #protect(start: number, end: number, isWritable: boolean): void {
    const first = Math.floor(start / PAGE_BYTES) * PAGE_BYTES;
    const length = roundUp(end, PAGE_BYTES) - first;
    if (length > 0) protectPages(this.#mapping, first, length, isWritable);
  }

  /**
   * A new read-only descriptor of the chunk that holds a lease of its own, to be sent to another domain: the
   * claim travels inside the socket. The caller sends and closes it.
   * @throws SystemError: EMFILE
   */
  grant(): number {
    const fd = reopenReadOnly(this.#fd);
    this.#granted = true;
    tryLockShared(fd);
    return fd;
  }

  /**
   * Drops this process's page table entries for the whole pages between two offsets. For content that is
   * filled here and read elsewhere; the next touch here costs a page fault.
   */
  forget(start: number, end: number): void {
    const first = Math.ceil(start / PAGE_BYTES) * PAGE_BYTES;
    const last = Math.floor(end / PAGE_BYTES) * PAGE_BYTES;
    if (last > first) forgetPages(this.#mapping, first, last - first);
  }

  drop(): void {
    if (this.#dropped) return;
    this.#dropped = true;
    for (const listener of this.onDrop) listener();
    this.onDrop.clear();
    abandon(this.#mapping);
    closeDescriptor(this.#fd);
  }
}
