import { Aggregate } from '../aggregate/aggregate.ts';
import { aggregateOfSlices } from '../aggregate/aggregate-of-slices.ts';
import type { Slice } from '../aggregate/slice.ts';
import { IoliteError } from '../base/error.ts';
import { CHECKED, invariant } from '../base/invariant.ts';
import type { OwnedChunk } from '../memory/chunk.ts';
import type { ChunkPool, Reservation } from '../memory/chunk-pool.ts';
import type { Lease } from '../memory/lease.ts';
import { SharedChunk } from '../memory/shared-chunk.ts';
import { RetiredChunks } from './retired-chunks.ts';
import { Segment } from './segment.ts';

/** A part of a {@link ContentRoom}: fill it. */
interface Piece {
  readonly bytes: Buffer;
  /** In its chunk. */
  readonly start: number;
}

/** Room for one content, in one piece if it is small. To be committed or cancelled. */
export interface ContentRoom {
  readonly length: number;
  readonly pieces: readonly Piece[];
}

interface PlacedPiece<T> extends Piece {
  readonly segment: Segment<T>;
  /** With what its alignment cost. */
  readonly taken: number;
  /** In a pool that seals each buffer: its reservation. */
  readonly reservation: Reservation | undefined;
}

interface PlacedRoom<T> extends ContentRoom {
  readonly pieces: readonly PlacedPiece<T>[];
}

/** Bytes of the budget by state. They add up to the chunks that are charged to it. */
export interface SpaceStats {
  readonly segments: number;
  /** Content that the cache refers to. */
  readonly live: number;
  /** Content that is being filled. */
  readonly filling: number;
  /** Content that has left the cache, in segments that have other content still. */
  readonly dead: number;
  /** Room for more in segments that are in use. */
  readonly room: number;
  /** Chunks that have left the cache as a whole and that somebody, here or elsewhere, holds still. */
  readonly leased: number;
  readonly headers: number;
}

const PAGE_BYTES = 4096;
const MAX_SEGMENT_BYTES = 1024 ** 2;
const MIN_SEGMENT_BYTES = 64 * 1024;
/**
 * No more segments than a channel's peer accepts as chunks by default: larger budgets have larger segments.
 */
const MAX_SEGMENTS = 4000;
/** A budget is divided into at least so many, where pages allow it. */
const MIN_SEGMENTS = 32;
const MIN_SMALL_SEGMENTS = 4;
/** Segments that take more contents at a time. */
const OPEN_SEGMENTS = 4;
/** Contents of more than this part of a segment may be cut in two; and so small may a piece of them be. */
const WHOLE_PART = 1 / 8;
const PIECE_PART = 1 / 16;

/** Bytes of content that a segment of a budget has room for; 0 when the budget admits none. */
function segmentBytesOf(budget: number): number {
  const fine = Math.max(budget / MIN_SEGMENTS, Math.min(MIN_SEGMENT_BYTES, budget / MIN_SMALL_SEGMENTS));
  const wanted = Math.max(Math.min(fine, MAX_SEGMENT_BYTES), budget / MAX_SEGMENTS);
  const bytes = Math.floor(wanted / PAGE_BYTES) * PAGE_BYTES;
  if (bytes === MAX_SEGMENT_BYTES) return bytes;
  return Math.max(0, bytes - PAGE_BYTES);
}

/**
 * The physical memory of a cache: its budget, divided into segments of one size, which are opened, filled,
 * retired when all of their content is dead, and used again when nobody holds a slice of them. A content that
 * is larger than a segment lies in several. As all have one size, a pool that refills maps and unmaps no
 * memory once each was used. (After {@link SegmentSpace.resize} there are some of another size for a while.)
 */
export class SegmentSpace<Tenant> {
  #segmentBytes = 0;
  /** Bytes of heap that count in the budget: segments have so many fewer. The caller ends what is beyond. */
  heap = 0;
  readonly #pool: ChunkPool;
  #budget = 0;
  readonly #segments = new Map<Lease, Segment<Tenant>>();
  /** The newest last. */
  #open: Segment<Tenant>[] = [];
  readonly #retired: RetiredChunks;
  /** Bytes of the chunks of segments. */
  #inSegments = 0;

  /** @param budget of chunks, in bytes, their headers included */
  constructor(pool: ChunkPool, budget: number) {
    this.#pool = pool;
    this.#retired = new RetiredChunks(pool);
    this.resize(budget);
  }

  /** Bytes of content in a segment. */
  get segmentBytes(): number {
    return this.#segmentBytes;
  }

  /** Bytes of chunks that count, those included that others hold still. */
  get charged(): number {
    return this.#inSegments + this.#retired.bytes;
  }

  /** Another budget, with segments of its size from here on. What is beyond it is the caller's to end. */
  resize(budget: number): void {
    this.#budget = budget;
    this.#segmentBytes = segmentBytesOf(budget);
  }

  /** As {@link resize}, with the segments as they are: a bound for some time. */
  confine(budget: number): void {
    this.#budget = budget;
  }

  /** How many segments can be opened just now; below 0 when there are more than the budget has room for. */
  get free(): number {
    const bytes = this.#budget - this.heap - this.charged;
    if (this.segmentBytes === 0) return bytes < 0 ? -1 : 0;
    return Math.floor(bytes / (this.segmentBytes + PAGE_BYTES));
  }

  /** How many there can be at most, if no heap counts. */
  get capacity(): number {
    return this.segmentBytes === 0 ? 0 : Math.floor(this.#budget / (this.segmentBytes + PAGE_BYTES));
  }

  /** How many are likely to be free in a moment: see {@link RetiredChunks.leaving}. */
  get retiring(): number {
    return this.#retired.leaving;
  }

  /**
   * Room for a content of `length` bytes.
   * @param spare how many segments are to stay free
   * @returns undefined when there is none within the budget
   */
  allocate(length: number, spare: number): ContentRoom | undefined {
    if (!this.#hasFree(spare, length)) return undefined;
    const pieces: PlacedPiece<Tenant>[] = [];
    let left = length;
    while (left > 0) {
      const piece = this.#pool.kind === 'seal' ? this.#allocateSealed(left, spare) : this.#place(left, spare);
      if (piece === undefined) {
        this.cancel({ length, pieces } as ContentRoom);
        return undefined;
      }
      pieces.push(piece);
      left -= piece.bytes.length;
    }
    return { length, pieces };
  }

  /**
   * Ends the filling: the content is immutable now.
   * @returns the content; give it back to {@link leave} when its tenant goes
   */
  commit(room: ContentRoom, tenant: Tenant): Aggregate {
    const slices: { lease: Lease; start: number; end: number }[] = [];
    for (const piece of (room as PlacedRoom<Tenant>).pieces) {
      const { start, bytes, taken } = piece;
      const segment = piece.reservation === undefined ? piece.segment : this.#freeze(piece);
      segment.keep(tenant, taken, bytes.length);
      segment.lease.retain();
      slices.push({ lease: segment.lease, start, end: start + bytes.length });
    }
    return slices.length === 0 ? Aggregate.empty() : aggregateOfSlices(slices);
  }

  /** Gives room back, unfilled or not. */
  cancel(room: ContentRoom): void {
    for (const { segment, taken, start } of (room as PlacedRoom<Tenant>).pieces) {
      segment.giveBack(start, taken);
      this.#retireIfSpent(segment);
    }
  }

  /** A content's tenant is leaving, or no longer refers to it: its bytes are dead. Does not release it. */
  leave(content: Aggregate, tenant: Tenant): void {
    for (const slice of content.slices()) this.#leaveSlice(slice, tenant);
  }

  /**
   * A content of which the slices in `from` were copied elsewhere, and the others are shared; those copied
   * are dead.
   * @returns the content that takes the place of the one given, which the caller keeps; undefined, with
   *   nothing changed, when there is no room
   */
  move(content: Aggregate, tenant: Tenant, from: Segment<Tenant>): Aggregate | undefined {
    const slices = content.slices();
    const rooms = slices.map(slice =>
      slice.lease === from.lease ? this.allocate(slice.length, 0) : 'stays',
    );
    if (rooms.includes(undefined)) {
      for (const room of rooms) if (typeof room === 'object') this.cancel(room);
      return undefined;
    }
    const moved = Aggregate.empty();
    for (const [index, slice] of slices.entries()) {
      const part = this.#moveSlice(slice, rooms[index] as ContentRoom | 'stays', tenant);
      moved.append(part);
      part.release();
    }
    return moved;
  }

  /** The segment that it pays most to clean, if at least `part` of its bytes are dead. */
  mostlyDead(part: number): Segment<Tenant> | undefined {
    let most: Segment<Tenant> | undefined;
    let bytes = -1;
    for (const segment of this.#segments.values()) {
      if (segment.open || segment.filling > 0 || segment.dead <= bytes) continue;
      most = segment;
      bytes = segment.dead;
    }
    return most !== undefined && bytes >= part * most.capacity ? most : undefined;
  }

  /** The part of what segments have room for that holds nothing any more. */
  get deadPart(): number {
    let [dead, capacity] = [0, 0];
    for (const segment of this.#segments.values()) {
      dead += segment.dead;
      capacity += segment.capacity;
    }
    return capacity === 0 ? 0 : dead / capacity;
  }

  /** Finds out which of the retired chunks nobody holds any more. @returns how many these were */
  sweep(): number {
    return this.#retired.sweep();
  }

  stats(): SpaceStats {
    this.sweep();
    let [live, filling, dead, room, headers] = [0, 0, 0, 0, 0];
    for (const segment of this.#segments.values()) {
      live += segment.live;
      filling += segment.filling;
      dead += segment.dead;
      room += segment.room;
      headers += segment.size - segment.capacity;
    }
    if (CHECKED) this.#checkSums(live + filling + dead + room + headers);
    const leased = this.#retired.bytes;
    return { segments: this.#segments.size, live, filling, dead, room, leased, headers };
  }

  /** Drops this process's page table entries of a content that others read. */
  forgetPages(content: Aggregate): void {
    for (const { lease, start, end } of content.slices()) {
      if (lease.chunk instanceof SharedChunk) lease.chunk.forget(start, end);
    }
  }

  /** Lets go of all segments; what slices of them are held stays valid. */
  close(): void {
    for (const segment of this.#segments.values()) segment.lease.release();
    this.#segments.clear();
    this.#open = [];
    this.#inSegments = 0;
    this.#retired.clear();
  }

  /** A piece of an open segment, or of one that is opened for it. */
  #place(left: number, spare: number): PlacedPiece<Tenant> | undefined {
    const whole = left <= this.segmentBytes * WHOLE_PART;
    const least = whole ? left : Math.min(left, this.segmentBytes * PIECE_PART);
    const segment = this.#open.find(({ room }) => room >= least) ?? this.#openSegment(spare);
    if (segment === undefined) return undefined;
    const length = Math.min(left, segment.room);
    const { start, taken } = segment.take(length);
    if (segment.room === 0) this.#shut(segment);
    const bytes = segment.lease.bytes.subarray(start, start + length);
    return { segment, start, taken, bytes, reservation: undefined };
  }

  #openSegment(spare: number): Segment<Tenant> | undefined {
    if (this.free <= spare) return undefined;
    const segment = this.#obtain(this.segmentBytes)?.segment;
    if (segment === undefined) return undefined;
    this.#open.push(segment);
    if (this.#open.length > OPEN_SEGMENTS) this.#shut(leastRoom(this.#open));
    return segment;
  }

  /** In a pool that seals buffers each piece has a segment of its own, which is sealed with it. */
  #allocateSealed(left: number, spare: number): PlacedPiece<Tenant> | undefined {
    if (this.free <= spare) return undefined;
    const length = Math.min(left, this.segmentBytes);
    const obtained = this.#obtain(length);
    if (obtained === undefined) return undefined;
    const { segment, reservation } = obtained;
    segment.takeWhole(length);
    return { segment, start: segment.start, taken: length, bytes: reservation.bytes, reservation };
  }

  /** Whether there may be room for so many bytes, when what is free by now is found out. */
  #hasFree(spare: number, length: number): boolean {
    const open = this.#open.reduce((sum, { room }) => sum + room, 0);
    const wanted = spare + Math.ceil((length - open) / this.segmentBytes);
    return length <= open || this.free >= wanted || (this.sweep() > 0 && this.free >= wanted);
  }

  #obtain(length: number): { segment: Segment<Tenant>; reservation: Reservation } | undefined {
    let reservation: Reservation;
    try {
      reservation = this.#pool.reserveChunk(length);
    } catch (error) {
      // The pool has a limit of its own, or what was collected has not come back to it yet.
      if (error instanceof IoliteError && error.code === 'ERR_IOLITE_LIMIT') return undefined;
      throw error;
    }
    const { lease, offset } = reservation;
    const chunk = lease.chunk as OwnedChunk;
    this.#retired.remove(chunk);
    // A pool that is not the cache's own may give a larger one than was asked for.
    if (this.charged + chunk.size > this.#budget - this.heap) {
      this.#pool.cancel(reservation);
      return undefined;
    }
    const segment = new Segment<Tenant>(lease, offset, length);
    this.#segments.set(lease, segment);
    this.#inSegments += segment.size;
    invariant(this.charged <= this.#budget, 'the chunks of a cache are within its budget');
    return { segment, reservation };
  }

  /** Seals the one buffer of a segment. Its lease is another one from here on. */
  #freeze({ segment, reservation, bytes }: PlacedPiece<Tenant>): Segment<Tenant> {
    this.#segments.delete(segment.lease);
    const lease = this.#pool.commit(reservation as Reservation, bytes.length);
    const frozen = new Segment<Tenant>(lease, segment.start, bytes.length);
    frozen.takeWhole(segment.filling);
    this.#segments.set(lease, frozen);
    return frozen;
  }

  #moveSlice(slice: Slice, room: ContentRoom | 'stays', tenant: Tenant): Aggregate {
    if (room === 'stays') {
      slice.lease.retain();
      return aggregateOfSlices([slice]);
    }
    let from = slice.start;
    for (const { bytes } of room.pieces) {
      slice.lease.bytes.copy(bytes, 0, from, from + bytes.length);
      from += bytes.length;
    }
    const part = this.commit(room, tenant);
    this.#leaveSlice(slice, tenant);
    return part;
  }

  #leaveSlice({ lease, length }: Slice, tenant: Tenant): void {
    const segment = this.#segments.get(lease);
    if (segment === undefined) return;
    segment.leave(tenant, length);
    this.#retireIfSpent(segment);
  }

  #shut(segment: Segment<Tenant>): void {
    segment.shut();
    this.#open = this.#open.filter(other => other !== segment);
    this.#retireIfSpent(segment);
  }

  #retireIfSpent(segment: Segment<Tenant>): void {
    if (!segment.isSpent || !this.#segments.delete(segment.lease)) return;
    this.#open = this.#open.filter(other => other !== segment);
    this.#inSegments -= segment.size;
    this.#retired.add(segment.lease);
  }

  /** @param sum of the bytes of all segments, by state */
  #checkSums(sum: number): void {
    invariant(sum === this.#inSegments, 'the bytes of segments by state add up to what is mapped');
    for (const segment of this.#segments.values()) segment.checkTenants();
    this.#retired.check();
  }
}

function leastRoom<T>(segments: readonly Segment<T>[]): Segment<T> {
  return segments.reduce((least, segment) => (segment.room < least.room ? segment : least));
}
