import { fstatSync } from 'node:fs';
import { invariant } from '../base/invariant.ts';
import { closeDescriptor } from '../os/descriptor.ts';
import { isLockedElsewhere, reopenLocked, tryLockExclusive, unlock } from '../os/lock.ts';
import type { MappedMemory } from '../os/mapping/mapped-memory.ts';
import { abandon, forgetPages, map, protectPages, unmapFile } from '../os/mapping/mapping.ts';
import { addSeals, createMemfd, Seal } from '../os/memfd.ts';
import { endOfAccessList } from './access-header.ts';
import type { AccessList, Credentials } from './acl.ts';
import type { Audience } from './audience.ts';
import {
  ChunkBuffers,
  type ChunkHolder,
  type ChunkKeeper,
  type ChunkRange,
  HEADER_BYTES,
  type OwnedChunk,
  PAGE_BYTES,
  roundUp,
} from './chunk.ts';
import type { Division } from './division.ts';
import { FactLog, findFact } from './facts/fact-log.ts';
import { MAX_GENERATION, writeGeneration, writeHeader } from './header.ts';
import { HeapChunk, heapMemory } from './heap-chunk.ts';
import type { Lease } from './lease.ts';
import type { PoolKind } from './pool-options.ts';

interface SharedChunkOptions {
  readonly acl: AccessList;
  readonly sole: boolean;
  /** False: it has its last generation from the start, which tells all who get it. */
  readonly refill: boolean;
  /** Whether it will be frozen. */
  readonly freezes?: boolean;
  /** Whether no page of it can be written before {@link SharedChunk.open}. */
  readonly guarded?: boolean;
  readonly audience?: Audience | undefined;
  /** Of its pool. */
  readonly division?: Division | undefined;
}

/** From so many holders on, those who are gone are forgotten. */
const MAX_HOLDERS = 64;

/**
 * A chunk of shared memory that this domain made: one memfd, mapped once for writing and then sealed, so
 * that this mapping stays the only way to write it. Other domains get descriptors that can only read.
 */
export class SharedChunk implements OwnedChunk {
  readonly memory = 'shared';
  readonly isWritable = false;
  readonly payloadStart = HEADER_BYTES;
  readonly id: string;
  readonly size: number;
  readonly acl: AccessList;
  /** Whether it was made for a single large buffer. */
  readonly sole: boolean;
  /** Called once when the chunk is dropped: channels take back their grants of it. */
  readonly onDrop = new Set<() => void>();
  /** Domains that were given it, and may hold it still, with when they were: in milliseconds since 1970. */
  readonly holders = new Map<ChunkHolder, number>();
  /** When it was filled again after others had it; 0: it was not. */
  filledAt = 0;
  soleEnd: number | undefined;
  readonly buffers = new ChunkBuffers();
  #isClaimed = false;
  #audience: Audience | undefined;
  readonly #division: Division | undefined;
  #generation: number;
  /** -1 once it is dropped: the number may be another file's then. */
  #fd: number;
  #mapping: MappedMemory;
  #keeper: ChunkKeeper;
  /** Whether a descriptor ever left, so that other domains may hold leases. */
  #granted = false;
  /** Whether the rest of it was zeroed for those who are not of our own group. */
  #revealed = false;
  #frozen = false;
  #dropped = false;
  #spent: boolean;
  /** Made when there is something to write down. */
  #facts: FactLog | undefined;
  /** Whether pages can be written only while they are open. */
  readonly #guarded: boolean;

  /**
   * @param name of the pool, for /proc/<pid>/maps
   * @param size in bytes with the header, a multiple of the page size
   * @throws SystemError: ENOMEM, EMFILE
   */
  constructor(name: string, size: number, options: SharedChunkOptions, keeper: ChunkKeeper) {
    // Unless more are to follow these are all that anybody can add.
    const last = options.freezes === true ? 0 : Seal.SEAL;
    const seals = Seal.SHRINK | Seal.GROW | Seal.FUTURE_WRITE | last;
    const { fd, mapping } = mappedMemfd(name, size, seals);
    this.#fd = fd;
    forgotten.register(this, fd, this);
    this.#mapping = mapping;
    this.#generation = options.refill ? 1 : MAX_GENERATION;
    this.#spent = !options.refill;
    this.#guarded = options.guarded ?? false;
    this.id = writeHeader(this.#mapping.bytes, this.#generation, options.acl);
    this.size = size;
    this.acl = options.acl;
    this.sole = options.sole;
    this.#audience = options.audience;
    this.#division = options.division;
    this.#keeper = keeper;
    try {
      this.shut(0, size);
    } catch (error) {
      this.drop();
      throw error;
    }
  }

  /** Names it to the kernel. 0 once it is dropped: nobody has it any more. */
  get inode(): number {
    return this.#dropped ? 0 : fstatSync(this.#fd).ino;
  }

  get generation(): number {
    return this.#generation;
  }

  get bytes(): Buffer {
    return this.#mapping.bytes;
  }

  get shown(): Buffer {
    return this.#mapping.shown;
  }

  /** Whether nobody can change the bytes any more. */
  get frozen(): boolean {
    return this.#frozen;
  }

  get spent(): boolean {
    return this.#spent;
  }

  descriptorToMap(): number {
    return this.#fd;
  }

  sendableDescriptor(): number {
    this.#spent = true;
    return this.#fd;
  }

  leaseEnded(): void {
    this.#keeper.idle(this);
  }

  isLeasedElsewhere(): boolean {
    return this.#granted && !this.#dropped && isLockedElsewhere(this.#fd);
  }

  /** Who may see what lies here. Undefined: all whom its ACL admits. */
  get audience(): Audience | undefined {
    return this.#audience;
  }

  /** What keeps its bytes as they are, as of pools. */
  get kind(): PoolKind {
    if (this.#frozen) return 'seal';
    return this.#guarded ? 'protect' : 'recycle';
  }

  get isClaimed(): boolean {
    return this.#isClaimed;
  }

  claim(audience: Audience, ranges: readonly ChunkRange[], keeper: ChunkKeeper): boolean {
    const isOurs = this.#audience === undefined || (this.#audience === audience && this.#isClaimed);
    // A part of several that lie together goes to others as a copy, and all of them would not.
    const isDivided = this.#division !== undefined && this.soleEnd === undefined;
    if (this.#dropped || !isOurs || isDivided || !this.buffers.areWithin(ranges)) return false;
    if (!this.#frozen) this.#zeroAround(ranges);
    this.#keeper.claimed(this);
    this.#keeper = keeper;
    this.#audience = audience;
    this.#isClaimed = true;
    this.#spent = true;
    return true;
  }

  suits(audience: Audience | undefined): boolean {
    return audience === this.#audience || !this.#granted;
  }

  renew(audience?: Audience): boolean {
    invariant(!this.#dropped && !this.#frozen, 'a chunk that was dropped or frozen is not filled again');
    if (this.#generation === MAX_GENERATION) return false;
    // The write lock is held for this instant only: whoever leases afterwards compares generations first.
    if (this.#granted && !tryLockExclusive(this.#fd)) return false;
    const isSameAudience = audience === this.#audience;
    invariant(isSameAudience || !this.#granted, 'a chunk that others were given stays with its audience');
    try {
      this.#begin(audience);
    } catch {
      // The kernel has no room for other rights of its pages (ENOMEM). What is half begun nobody gets.
      this.#spent = true;
    }
    if (this.#granted && !unlock(this.#fd)) this.#spent = true;
    if (this.#granted) this.filledAt = Date.now();
    return !this.#spent;
  }

  /** Begins the next generation. @throws SystemError: ENOMEM */
  #begin(audience: Audience | undefined): void {
    if (audience !== this.#audience) {
      this.#zero(HEADER_BYTES);
      this.#audience = audience;
    }
    this.#generation += 1;
    this.buffers.clear();
    this.open(0, HEADER_BYTES);
    this.#facts?.clear();
    writeGeneration(this.#mapping.bytes, this.#generation);
    this.shut(0, HEADER_BYTES);
  }

  factOf(generation: number, key: Buffer): Buffer | undefined {
    if (this.#facts === undefined || generation !== this.#generation) return undefined;
    return findFact(this.#header, endOfAccessList(this.acl), generation, key);
  }

  keepFact(generation: number, key: Buffer, fact: Buffer): void {
    if (this.#dropped || this.#frozen || generation !== this.#generation) return;
    this.#facts ??= new FactLog(this.#header, endOfAccessList(this.acl));
    try {
      this.open(0, HEADER_BYTES);
      this.#facts.add(generation, key, fact);
      this.shut(0, HEADER_BYTES);
    } catch {
      // The kernel has no room for other rights of this page: whoever wants the fact derives it.
    }
  }

  get #header(): Buffer {
    return this.#mapping.bytes.subarray(0, HEADER_BYTES);
  }

  freeze(): void {
    invariant(!this.#dropped && !this.#frozen, 'a chunk is frozen once, and before it is dropped');
    unmapFile(this.#mapping);
    addSeals(this.#fd, Seal.WRITE | Seal.SEAL);
    this.#mapping = map(this.#fd, this.size, 'read-only', false);
    this.#frozen = true;
  }

  /** Whether buffers lie here that a peer is not to see though the ACL admits it: see {@link Division}. */
  isKeptFrom(peer: Credentials): boolean {
    return this.#groupKeptFrom(peer) !== undefined;
  }

  /**
   * The copy of a slice that a peer is to be sent where the chunk is kept from it. The caller has a reference
   * of its lease. @returns undefined where the peer may have this chunk. @throws as Division.copyFor
   */
  copyFor(
    peer: Credentials,
    start: number,
    end: number,
  ): { readonly lease: Lease; readonly start: number; readonly end: number } | undefined {
    const group = this.#groupKeptFrom(peer);
    return group === undefined ? undefined : this.#division?.copyFor(group, this.bytes.subarray(start, end));
  }

  /**
   * A peer is about to be given the chunk. If it shares nothing with the owner but what it is sent, it finds
   * the one buffer here and zeros, and never anything else: the chunk is not filled again.
   */
  revealTo(peer: Credentials): void {
    if (this.soleEnd === undefined || this.#division?.groupOf(peer) === undefined) return;
    if (!this.#frozen && !this.#revealed) this.#zero(this.soleEnd);
    this.#revealed = true;
    this.#spent = true;
  }

  /** Fills it with zeros from a place on. */
  #zero(start: number, end = this.size): void {
    this.open(start, end);
    this.#mapping.bytes.fill(0, start, end);
    this.shut(start, end);
  }

  #zeroAround(ranges: readonly ChunkRange[]): void {
    let at = HEADER_BYTES;
    for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
      if (at < start) this.#zero(at, start);
      at = end;
    }
    if (at < this.size) this.#zero(at);
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
   * @throws SystemError: EMFILE, ENOLCK
   */
  grant(): number {
    const fd = reopenLocked(this.#fd);
    this.#granted = true;
    return fd;
  }

  /** A domain is given it. */
  givenTo(holder: ChunkHolder): void {
    this.holders.set(holder, Date.now());
    if (this.holders.size <= MAX_HOLDERS) return;
    for (const known of this.holders.keys()) if (!known.isOpen) this.holders.delete(known);
  }

  /** A domain is not to be sent it any more. What it leases it may hold on to. */
  takenFrom(holder: ChunkHolder): void {
    if (!this.isLeasedElsewhere()) this.holders.delete(holder);
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

  /** What is alone here, or was put here for an audience, is kept from nobody who is sent it. */
  #groupKeptFrom(peer: Credentials): string | undefined {
    if (this.soleEnd !== undefined || this.#audience !== undefined) return undefined;
    return this.#division?.groupOf(peer);
  }

  drop(): void {
    if (this.#dropped) return;
    this.#dropped = true;
    for (const listener of this.onDrop) listener();
    this.onDrop.clear();
    this.holders.clear();
    abandon(this.#mapping);
    forgotten.unregister(this);
    closeDescriptor(this.#fd);
    this.#fd = -1;
  }
}

/** Descriptors of chunks that nobody can drop any more: their pool was forgotten, with all that lay in it. */
const forgotten = new FinalizationRegistry<number>(closeDescriptor);

/** @throws SystemError: ENOMEM, EMFILE; nothing is left then */
function mappedMemfd(name: string, size: number, seals: number): { fd: number; mapping: MappedMemory } {
  const fd = createMemfd(`iolite:${name}`, size);
  let mapping: MappedMemory | undefined;
  try {
    mapping = map(fd, size, 'read-write', true);
    addSeals(fd, seals);
    return { fd, mapping };
  } catch (error) {
    if (mapping !== undefined) abandon(mapping);
    closeDescriptor(fd);
    throw error;
  }
}

/** The pool that a chunk is for. */
interface ChunkOwner {
  readonly name: string;
  readonly kind: PoolKind;
  readonly memory: 'shared' | 'heap';
  readonly refill: boolean;
  readonly acl: AccessList;
}

/** A new chunk. @param size in bytes, with its header @throws SystemError: ENOMEM, EMFILE */
export function makeChunk(
  { name, kind, memory, refill, acl }: ChunkOwner,
  size: number,
  whose: { sole: boolean; audience: Audience | undefined; division: Division | undefined },
  keeper: ChunkKeeper,
): OwnedChunk {
  if (memory === 'heap') return new HeapChunk(heapMemory(size), chunk => keeper.idle(chunk), acl);
  const options = { acl, refill, freezes: kind === 'seal', guarded: kind === 'protect', ...whose };
  return new SharedChunk(name, size, options, keeper);
}
