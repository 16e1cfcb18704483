/**
 * A chunk: the unit of memory that is mapped, granted, leased and recycled. What all kinds of chunk have in
 * common is what the upper storeys need to know: an identity, a generation, and bytes.
 */

import type { MappedMemory } from '../os/mapping/mapped-memory.ts';
import type { AccessList, Credentials } from './acl.ts';
import type { Audience } from './audience.ts';

/** A page of memory: sizes of chunks are multiples of it. */
export const PAGE_BYTES = 4096;

/** The header at the start of each shared chunk: one page, so that payload is page-aligned. */
export const HEADER_BYTES = 4096;

/** The largest chunk. Node aborts on a view of 8 GiB; half of it bounds what one buffer can hold. */
export const MAX_CHUNK_BYTES = 4 * 1024 ** 3;

/** What is derived of fewer bytes is not shared: to look for it would cost as much as to derive it. */
export const SHARED_FACT_BYTES = 16 * 1024;

/** From so many bytes on the owner of what was received is asked to derive a fact too, for all others. */
export const ASKED_FACT_BYTES = 64 * 1024;

/** Content of a generation of a chunk, from a place in it to another. */
export interface ContentRange {
  readonly chunk: Chunk;
  readonly generation: number;
  readonly start: number;
  readonly end: number;
}

/** A chunk as any domain sees it. */
export interface Chunk {
  /** 32 hexadecimal digits, random, the same in every domain that knows the chunk. */
  readonly id: string;
  /** How often the chunk was allocated anew. With `id`, offset and length it names content. */
  readonly generation: number;
  /** Mapped size in bytes, header included. */
  readonly size: number;
  /** The whole mapping. Read it only under a lease; write it never, unless you are its pool. */
  readonly bytes: Buffer;
  /**
   * The same memory for programs: what they do to its ArrayBuffer (a byte stream moves it away) does nothing
   * to `bytes`. Ask for it anew each time.
   */
  readonly shown: Buffer;
  /** Whether its bytes belong to one aggregate, whose program may write them at any time. */
  readonly isWritable: boolean;
  /**
   * Of a chunk whose readers may write what they see: maps it once more, so that what is written stays in
   * pages of that mapping. Undefined where nobody may write.
   */
  readonly mapToWrite?: (() => MappedMemory) | undefined;
  /** Who may be given it, as its pool says. Undefined of memory of this process that no pool has made. */
  readonly acl?: AccessList | undefined;
  /** 'shared': pages that other domains can be given. 'heap': memory of this process alone. */
  readonly memory: 'shared' | 'heap';
  /**
   * What its owner has written down of a generation that the caller has leased, if he is to be believed; a
   * copy. Undefined where nothing can be written down. See {@link FactLog}.
   */
  factOf?(generation: number, key: Buffer): Buffer | undefined;
  /**
   * Asks its owner to derive a fact and to write it down, so that others find it. Nobody waits for it, and
   * the owner need not do it. Of a chunk of others only.
   * @param ranges what it is of, the chunk's own among them
   */
  askFor?(name: string, ranges: readonly ContentRange[]): void;
  /** Writes down a fact, as far as there is room. Of a chunk of ours only. */
  keepFact?(generation: number, key: Buffer, fact: Buffer): void;
  /**
   * A descriptor whose pages can be mapped once more, to be read, while a lease is held; it stays the
   * chunk's. Undefined where what readers see is to be a copy.
   */
  descriptorToMap(): number | undefined;
  /**
   * A descriptor for sendfile(2), while a lease is held; it stays the chunk's. A socket's queue refers to the
   * pages sent that way until the peer has read them, longer than any lease and than this process, and nobody
   * is told when that is. So a chunk gives it only if it can promise that its bytes never change again; a
   * chunk of ours is from then on never refilled. Undefined where there is no such promise: its bytes are to
   * be copied.
   */
  sendableDescriptor(): number | undefined;
  /**
   * Whether that is so already: it is never refilled. Of a chunk of ours known for good when its last lease
   * ends.
   */
  readonly spent: boolean;
  /** Called by the lease that held `generation` when its last reference goes. */
  leaseEnded(generation: number): void;
}

/** A chunk as the pool that made it sees it. */
export interface OwnedChunk extends Chunk {
  /** Offset of the first payload byte. */
  readonly payloadStart: number;
  /** Where the one buffer ends that has the chunk for itself; undefined of a chunk that several share. */
  soleEnd: number | undefined;
  /** Undefined where nobody else can be given the chunk. */
  readonly buffers?: ChunkBuffers;
  /** Whether what lies here is all of this generation: see {@link claim}. */
  readonly isClaimed: boolean;
  /**
   * Takes over the chunk as it is, for a content that has all of it: what is around that is zeroed, and
   * nothing else is ever put here. From here on it is for an audience, and for whoever has it already.
   * @param ranges of the content, which do not overlap; the caller has references of the lease
   * @param keeper in place of the pool, which has it no more
   * @returns false, with nothing changed, where other buffers lie here, or it is for another audience
   */
  claim(audience: Audience, ranges: readonly ChunkRange[], keeper: ChunkKeeper): boolean;
  /**
   * Whether content for this audience may lie here next. Whoever was given the chunk once may see all that is
   * put into it later: so a chunk that has left this domain stays with the audience it has.
   * @param audience undefined: all whom the pool's ACL admits
   */
  suits(audience: Audience | undefined): boolean;
  /**
   * Opens the chunk to new content under the next generation. What is there stays readable where it is not
   * written over; for another audience than it was for it is zeroed first.
   * @param audience that it {@link suits}
   * @returns false while another domain still holds a lease: nothing has changed then. Also where the kernel
   *   refuses what it takes; then it is spent
   */
  renew(audience?: Audience): boolean;
  /** Whether another domain holds a lease just now. */
  isLeasedElsewhere(): boolean;
  /**
   * Makes the content unchangeable for everybody, this process included; `bytes` is a new, read-only view.
   * @throws SystemError: ENOMEM, EBUSY; it is of no use then, and to be dropped
   */
  freeze(): void;
  /**
   * Lets the pages of a range be written, which are protected from this process otherwise. Does nothing in a
   * chunk that is not of a pool of kind 'protect'.
   * @throws SystemError: ENOMEM
   */
  open(start: number, end: number): void;
  /**
   * Ends what {@link open} began: a write into one of these pages ends the process with SIGSEGV.
   * @throws SystemError: ENOMEM; they can be written still
   */
  shut(start: number, end: number): void;
  /** Gives the memory back. Views that were handed out stay readable, and read as zeros. Does not throw. */
  drop(): void;
}

/** Who has a chunk, and is told of it. */
export interface ChunkKeeper {
  /** The last slice of it in this domain is gone. */
  idle(chunk: OwnedChunk): void;
  /** It has another keeper: see {@link OwnedChunk.claim}. */
  claimed(chunk: OwnedChunk): void;
}

/** The next multiple of `step`, or `value` itself if it is one. */
export function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** The bytes of chunks, with their headers. */
export function bytesOf(chunks: Iterable<{ readonly size: number }>): number {
  let bytes = 0;
  for (const { size } of chunks) bytes += size;
  return bytes;
}

/** Another domain that was given descriptors of chunks, as the pool of these chunks sees it. */
export interface ChunkHolder {
  readonly peer: Credentials;
  /** Whether it can be sent more still. */
  readonly isOpen: boolean;
  /** Bytes of a full pool that it may hold past use; undefined: half of the pool's limit. */
  readonly maxHeldBytes: number | undefined;
  /** How many messages it has leased by now, modulo 2^32: it stands still in one that does nothing. */
  readonly leasedCount: number;
  /** Chunks of what it was sent and has not leased: references that are kept here for it. */
  untaken(): Set<Chunk>;
  /** Ends what it is sent through, and lets go of what is kept here for it. */
  cutOff(reason: Error): void;
}

/** Room in a chunk, and what became of it. Refers to no lease: that is to be collected when nobody has it. */
export interface BufferPlace {
  /** From the start of the chunk, in bytes. */
  readonly offset: number;
  /** Bytes of the buffer that lies there; undefined while it is being filled. */
  kept: number | undefined;
}

/** A range of a chunk, in bytes from its start. */
export interface ChunkRange {
  readonly start: number;
  readonly end: number;
}

/** A chunk that holds more buffers than this is of small ones, which are cheaper copied than told apart. */
const MAX_BUFFERS = 64;

/** Which buffers lie in one generation of a chunk, as long as they are few: it can be told whose it is. */
export class ChunkBuffers {
  /** Undefined when they are too many. */
  #places: BufferPlace[] | undefined = [];

  /** @returns undefined where it is not told any more who has what */
  add(offset: number): BufferPlace | undefined {
    const places = this.#places;
    if (places === undefined || places.length === MAX_BUFFERS) {
      this.#places = undefined;
      return undefined;
    }
    const place = { offset, kept: undefined };
    places.push(place);
    return place;
  }

  /** Another generation begins. */
  clear(): void {
    this.#places = [];
  }

  /**
   * Whether nothing lies in the chunk, or is about to, but what these ranges have. O(buffers * ranges).
   * @param ranges that do not overlap
   */
  areWithin(ranges: readonly ChunkRange[]): boolean {
    return this.#places?.every(place => isCovered(place, ranges)) === true;
  }
}

function isCovered({ offset, kept }: BufferPlace, ranges: readonly ChunkRange[]): boolean {
  if (kept === undefined) return false;
  let covered = 0;
  for (const { start, end } of ranges)
    covered += Math.max(0, Math.min(end, offset + kept) - Math.max(start, offset));
  return covered === kept;
}
