import { Aggregate } from '../../aggregate/aggregate.ts';
import { aggregateOfSlices, sharedSlice } from '../../aggregate/aggregate-of-slices.ts';
import type { Slice } from '../../aggregate/slice.ts';
import { IoliteError } from '../../base/error.ts';
import { CHECKED, invariant } from '../../base/invariant.ts';
import type { Audience } from '../../memory/audience.ts';
import { bytesOf, type OwnedChunk, PAGE_BYTES } from '../../memory/chunk.ts';
import type { ChunkPool } from '../../memory/chunk-pool.ts';
import type { Lease } from '../../memory/lease.ts';
import type { Reservation } from '../../memory/reservation.ts';
import { SharedChunk } from '../../memory/shared-chunk.ts';
import { planAdoption } from './adoption-plan.ts';
import { type ContentRoom, copyInto, keep, type PlacedPiece, type PlacedRoom } from './content-room.ts';
import { RetiredChunks } from './retired-chunks.ts';
import { leastRoom, MAX_SEGMENTS, Segment, segmentBytesOf } from './segment.ts';
import { bytesByState, type ChunkView, type SpaceStats, viewsOf } from './space-stats.ts';

interface Obtained<T> {
  readonly segment: Segment<T>;
  readonly reservation: Reservation;
}

/** Segments that take more contents at a time: for one audience, and, as a part of all, for all of them. */
const OPEN_SEGMENTS = 4;
const OPEN_PART = 1 / 4;
/** A chunk of less than this part of a segment is copied into one: each costs a descriptor in each domain. */
const LEAST_KEPT_PART = 1 / 4;
/** Contents of more than this part of a segment may be cut in two; and so small may a piece of them be. */
const WHOLE_PART = 1 / 8;
const PIECE_PART = 1 / 16;

/**
 * The physical memory of a cache: its budget, divided into segments of one size, which are opened, filled,
 * retired when all of their content is dead, and used again when nobody holds a slice of them. A content that
 * is larger than a segment lies in several. As all have one size, a pool that refills maps and unmaps no
 * memory once each was used. (After {@link SegmentSpace.resize} there are some of another size for a while.)
 *
 * Whoever is given a content can read the segment that it lies in: so contents of one segment are for one
 * audience, and the memory of a segment that has left this domain is used again for the same audience only.
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

  /** Bytes of those that count, and are no pool's. */
  get adopted(): number {
    const claimed = [...this.#segments.values()].filter(segment => segment.isClaimed);
    return this.#retired.claimedBytes + bytesOf(claimed);
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
  allocate(length: number, spare: number, audience: Audience): ContentRoom | undefined {
    if (!this.#hasFree(spare, length, audience)) return undefined;
    const pieces: PlacedPiece<Tenant>[] = [];
    let left = length;
    while (left > 0) {
      const isSealed = this.#pool.kind === 'seal';
      const piece = isSealed
        ? this.#allocateSealed(left, spare, audience)
        : this.#place(left, spare, audience);
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
   * Room for a content that is in memory already: its chunks are kept where they are all its own and as this
   * cache would have made them, and the rest is copied.
   * @param spare as of {@link allocate}
   * @returns room that is filled, to be committed or cancelled; undefined when there is none, or somebody
   *   could change the content still
   */
  adopt(content: Aggregate, spare: number, audience: Audience): ContentRoom | undefined {
    const plan = planAdoption(content.slices(), this.#pool, lease => this.#mayClaim(lease));
    if (plan === undefined) return undefined;
    const segments = new Map<Lease, Segment<Tenant> | undefined>();
    for (const [lease, slices] of plan.whole) segments.set(lease, this.#claim(lease, slices, audience));
    const placed = plan.parts.map(
      part => keep(part, segments.get(part[0].lease)) ?? this.#copy(part, spare, audience),
    );
    const room = { length: content.length, pieces: placed.flatMap(pieces => pieces ?? []) };
    if (placed.includes(undefined)) this.cancel(room);
    return placed.includes(undefined) ? undefined : room;
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
      (segment.lease.chunk as OwnedChunk).shut(start, start + bytes.length);
      segment.keep(tenant, taken, bytes.length);
      segment.lease.retain();
      slices.push({ lease: segment.lease, start, end: start + bytes.length });
    }
    return slices.length === 0 ? Aggregate.empty() : aggregateOfSlices(slices);
  }

  /** Gives room back, unfilled or not. */
  cancel(room: ContentRoom): void {
    for (const { segment, taken, start, bytes } of (room as PlacedRoom<Tenant>).pieces) {
      (segment.lease.chunk as OwnedChunk).shut(start, start + bytes.length);
      segment.giveBack(start, taken);
      this.#retireIfSpent(segment);
    }
  }

  /** A content's tenant is leaving, or no longer refers to it: its bytes are dead. Does not release it. */
  leave(slices: readonly Slice[], tenant: Tenant): void {
    for (const slice of slices) this.#leaveSlice(slice, tenant);
  }

  /**
   * A content of which the slices in `from`, or in segments for others than the audience, were copied
   * elsewhere, and the rest is shared; those copied are dead.
   * @returns the content that takes the place of the one given, which the caller keeps; undefined, with
   *   nothing changed, when there is no room
   */
  move(
    slices: readonly Slice[],
    tenant: Tenant,
    audience: Audience,
    from?: Segment<Tenant>,
  ): Aggregate | undefined {
    const rooms = slices.map(({ lease, length }) => {
      const stays = lease !== from?.lease && this.#segments.get(lease)?.audience === audience;
      return stays ? 'stays' : this.allocate(length, 0, audience);
    });
    if (rooms.includes(undefined)) {
      for (const room of rooms) if (typeof room === 'object') this.cancel(room);
      return undefined;
    }
    const [first] = slices;
    if (first !== undefined && slices.length === 1)
      return this.#moveSlice(first, rooms[0] as ContentRoom | 'stays', tenant);
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
      if (segment.open || segment.filling > 0 || segment.reclaimable <= bytes) continue;
      most = segment;
      bytes = segment.reclaimable;
    }
    return most !== undefined && bytes >= part * most.capacity ? most : undefined;
  }

  /** The part of what segments have room for that holds nothing any more. */
  get deadPart(): number {
    let [dead, capacity] = [0, 0];
    for (const segment of this.#segments.values()) {
      dead += segment.reclaimable;
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
    const bytes = bytesByState(this.#segments.values());
    if (CHECKED) this.#checkSums(Object.values(bytes));
    return { segments: this.#segments.size, leased: this.#retired.bytes, ...bytes };
  }

  /** Each chunk by itself, as somebody wants to see it. O(chunks). */
  views(): ChunkView[] {
    return viewsOf(this.#segments.values(), this.#retired.chunks());
  }

  /** Drops this process's page table entries of a content that others read. */
  forgetPages(slices: readonly Slice[]): void {
    for (const { lease, start, end } of slices) {
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

  #mayClaim(lease: Lease): boolean {
    const isLarge = lease.chunk.size >= this.segmentBytes * LEAST_KEPT_PART;
    return isLarge && this.#segments.size < MAX_SEGMENTS && !this.#segments.has(lease);
  }

  /** Makes a segment of a chunk that holds these slices of a content and nothing else, if it may be. */
  #claim(lease: Lease, slices: readonly Slice[], audience: Audience): Segment<Tenant> | undefined {
    const chunk = lease.chunk as OwnedChunk;
    const { payloadStart, size } = chunk;
    if (this.charged + size > this.#budget - this.heap || !chunk.claim(audience, slices, this.#retired))
      return undefined;
    this.#retired.remove(chunk);
    lease.retain();
    const segment = new Segment<Tenant>(lease, payloadStart, size - payloadStart, { audience });
    segment.takeWhole(slices.reduce((sum, { length }) => sum + length, 0));
    this.#segments.set(lease, segment);
    this.#inSegments += segment.size;
    return segment;
  }

  #copy(slices: readonly Slice[], spare: number, audience: Audience): PlacedPiece<Tenant>[] | undefined {
    const length = slices.reduce((sum, slice) => sum + slice.length, 0);
    const room = this.allocate(length, spare, audience) as PlacedRoom<Tenant> | undefined;
    if (room === undefined) return undefined;
    copyInto(room.pieces, slices);
    return [...room.pieces];
  }

  /** A piece of an open segment, or of one that is opened for it. */
  #place(left: number, spare: number, audience: Audience): PlacedPiece<Tenant> | undefined {
    const whole = left <= this.segmentBytes * WHOLE_PART;
    const least = whole ? left : Math.min(left, this.segmentBytes * PIECE_PART);
    const segment = this.#openFor(audience, least) ?? this.#openSegment(spare, audience);
    if (segment === undefined) return undefined;
    const length = Math.min(left, segment.room);
    const { start, taken } = segment.take(length);
    if (segment.room === 0) this.#shut(segment);
    const bytes = segment.lease.bytes.subarray(start, start + length);
    (segment.lease.chunk as OwnedChunk).open(start, start + length);
    return { segment, start, taken, bytes, reservation: undefined };
  }

  #openFor(audience: Audience, least: number): Segment<Tenant> | undefined {
    return this.#open.find(segment => segment.room >= least && segment.audience === audience);
  }

  #openSegment(spare: number, audience: Audience): Segment<Tenant> | undefined {
    if (this.free <= spare) return undefined;
    const segment = this.#obtain(this.segmentBytes, audience)?.segment;
    if (segment === undefined) return undefined;
    this.#open.push(segment);
    const others = this.#open.filter(other => other.audience === audience);
    if (others.length > OPEN_SEGMENTS) this.#shut(leastRoom(others));
    // Those of other audiences have waited longest.
    const [oldest] = this.#open;
    const most = Math.max(OPEN_SEGMENTS, Math.floor(this.capacity * OPEN_PART));
    if (this.#open.length > most && oldest !== undefined) this.#shut(oldest);
    return segment;
  }

  /** In a pool that seals buffers each piece has a segment of its own, which is sealed with it. */
  #allocateSealed(left: number, spare: number, audience: Audience): PlacedPiece<Tenant> | undefined {
    if (this.free <= spare) return undefined;
    const length = Math.min(left, this.segmentBytes);
    const obtained = this.#obtain(length, audience);
    if (obtained === undefined) return undefined;
    const { segment, reservation } = obtained;
    segment.takeWhole(length);
    return { segment, start: segment.start, taken: length, bytes: reservation.bytes, reservation };
  }

  /** Whether there may be room for so many bytes, when what is free by now is found out. */
  #hasFree(spare: number, length: number, audience: Audience): boolean {
    const open = this.#open.reduce(
      (sum, { room, audience: whose }) => sum + (whose === audience ? room : 0),
      0,
    );
    const wanted = spare + Math.ceil((length - open) / this.segmentBytes);
    return length <= open || this.free >= wanted || (this.sweep() > 0 && this.free >= wanted);
  }

  #obtain(length: number, audience: Audience): Obtained<Tenant> | undefined {
    let reservation: Reservation;
    try {
      reservation = this.#pool.reserveChunk(length, audience);
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
    const alignment = this.#pool.kind === 'protect' ? PAGE_BYTES : undefined;
    const segment = new Segment<Tenant>(lease, offset, length, { audience, alignment });
    this.#segments.set(lease, segment);
    this.#inSegments += segment.size;
    invariant(this.charged <= this.#budget, 'the chunks of a cache are within its budget');
    return { segment, reservation };
  }

  /** Seals the one buffer of a segment. Its lease is another one from here on. */
  #freeze({ segment, reservation, bytes }: PlacedPiece<Tenant>): Segment<Tenant> {
    this.#segments.delete(segment.lease);
    const lease = this.#pool.commit(reservation as Reservation, bytes.length);
    const { start, audience } = segment;
    const frozen = new Segment<Tenant>(lease, start, bytes.length, { audience });
    frozen.takeWhole(segment.filling);
    this.#segments.set(lease, frozen);
    return frozen;
  }

  #moveSlice(slice: Slice, room: ContentRoom | 'stays', tenant: Tenant): Aggregate {
    if (room === 'stays') return sharedSlice(slice);
    copyInto(room.pieces, [slice]);
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

  /** @param bytes of all segments, by state */
  #checkSums(bytes: readonly number[]): void {
    const sum = bytes.reduce((before, each) => before + each, 0);
    invariant(sum === this.#inSegments, 'the bytes of segments by state add up to what is mapped');
    for (const segment of this.#segments.values()) segment.checkTenants();
    this.#retired.check();
  }
}
