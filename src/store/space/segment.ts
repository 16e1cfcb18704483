import { CHECKED, invariant } from '../../base/invariant.ts';
import type { Audience } from '../../memory/audience.ts';
import { type OwnedChunk, PAGE_BYTES, roundUp } from '../../memory/chunk.ts';
import type { Lease } from '../../memory/lease.ts';

const MAX_SEGMENT_BYTES = 1024 ** 2;
const MIN_SEGMENT_BYTES = 64 * 1024;
/**
 * No more segments than a channel's peer accepts as chunks by default: larger budgets have larger segments.
 */
export const MAX_SEGMENTS = 4000;
/** A budget is divided into at least so many, where pages allow it. */
const MIN_SEGMENTS = 32;
const MIN_SMALL_SEGMENTS = 4;

/** Buffers begin at multiples of this, unless they have to have pages of their own. */
const ALIGNMENT_BYTES = 64;

/**
 * A chunk of the cache's budget that contents are put into, one behind the other:
 *
 *     | header | live | dead | live | filling | room          |
 *              start                          position      end
 *
 * Contents that leave the cache become dead bytes: nobody may write there, as others may be reading them. The
 * memory is free again as a whole, when all is dead and nobody holds a slice of it.
 */
export class Segment<Tenant> {
  /** Holds a reference of the cache's own until the segment is retired. */
  readonly lease: Lease;
  readonly start: number;
  readonly end: number;
  /** Who may see what is here. */
  readonly audience: Audience;
  readonly #alignment: number;
  readonly #tenants = new Map<Tenant, number>();
  #position: number;
  #live = 0;
  #filling = 0;
  /** What its contents lose as each has pages of its own. */
  #lost = 0;
  #open = true;

  constructor(
    lease: Lease,
    start: number,
    length: number,
    { audience, alignment = ALIGNMENT_BYTES }: { audience: Audience; alignment?: number | undefined },
  ) {
    this.#alignment = alignment;
    this.lease = lease;
    this.start = start;
    this.end = start + length;
    this.audience = audience;
    this.#position = start;
  }

  /** Bytes of the chunk. */
  get size(): number {
    return this.lease.chunk.size;
  }

  /** Whether its chunk is no pool's: see {@link OwnedChunk.claim}. */
  get isClaimed(): boolean {
    return (this.lease.chunk as OwnedChunk).isClaimed;
  }

  /** Bytes that have room for contents. */
  get capacity(): number {
    return this.end - this.start;
  }

  /** Bytes that the cache refers to. */
  get live(): number {
    return this.#live;
  }

  /** Bytes of contents that are being filled. */
  get filling(): number {
    return this.#filling;
  }

  /** Bytes that can still be given out. */
  get room(): number {
    return this.#open ? this.end - this.#position : 0;
  }

  /** Bytes that hold nothing any more and cannot be used again before the segment is free. */
  get dead(): number {
    return this.capacity - this.#live - this.#filling - this.room;
  }

  /** Dead bytes that would be free if its contents were moved elsewhere. */
  get reclaimable(): number {
    return this.dead - this.#lost;
  }

  /** Whether it takes more contents. */
  get open(): boolean {
    return this.#open;
  }

  /** Whether it held something, and holds nothing any more. */
  get isSpent(): boolean {
    if (this.#live > 0 || this.#filling > 0) return false;
    return !this.#open || this.#position > this.start;
  }

  /** How many have content here. */
  get tenantCount(): number {
    return this.#tenants.size;
  }

  /** Who has content here. */
  tenants(): Tenant[] {
    return [...this.#tenants.keys()];
  }

  /** Gives out room for so many bytes, as far as there is. @returns where it begins, and what it takes */
  take(length: number): { readonly start: number; readonly taken: number } {
    const start = this.#position;
    const taken = Math.min(roundUp(length, this.#alignment), this.room);
    this.#position += taken;
    this.#filling += taken;
    this.#check();
    return { start, taken };
  }

  /** Gives out all of its room for one content of so many bytes. */
  takeWhole(length: number): void {
    this.#open = false;
    this.#position = this.end;
    this.#filling = length;
    this.#check();
  }

  /** What was being filled is content of so many bytes now. @param taken as {@link take} returned it */
  keep(tenant: Tenant, taken: number, length: number): void {
    this.#filling -= taken;
    this.#live += length;
    this.#lost += this.#lossOf(length);
    this.#tenants.set(tenant, (this.#tenants.get(tenant) ?? 0) + length);
    this.#check();
  }

  /** What was to be filled is not. @param start and what it took: as {@link take} returned it */
  giveBack(start: number, taken: number): void {
    this.#filling -= taken;
    if (this.#position === start + taken) this.#position = start;
    this.#check();
  }

  /** Content of so many bytes is dead. */
  leave(tenant: Tenant, length: number): void {
    this.#live -= length;
    this.#lost -= this.#lossOf(length);
    const left = (this.#tenants.get(tenant) ?? 0) - length;
    invariant(left >= 0, 'who leaves a segment had as many bytes in it');
    if (left > 0) this.#tenants.set(tenant, left);
    else this.#tenants.delete(tenant);
    this.#check();
  }

  /** Takes no more contents. */
  shut(): void {
    this.#open = false;
  }

  /** Checks that its tenants have the bytes that are live. O(tenants), where invariants are checked. */
  checkTenants(): void {
    if (!CHECKED) return;
    const sum = [...this.#tenants.values()].reduce((bytes, each) => bytes + each, 0);
    invariant(sum === this.#live, 'the bytes of the tenants of a segment are those that are live');
  }

  /** By the usual alignment next to nothing is lost, which is not counted. */
  #lossOf(length: number): number {
    return this.#alignment === ALIGNMENT_BYTES ? 0 : roundUp(length, this.#alignment) - length;
  }

  #check(): void {
    invariant(this.#live >= 0 && this.#filling >= 0, 'a segment counts no fewer bytes than none');
    invariant(this.#position <= this.end && this.dead >= 0, 'no more of a segment is used than there is');
  }
}

/** Bytes of content that a segment of a budget has room for; 0 when the budget admits none. */
export function segmentBytesOf(budget: number): number {
  const fine = Math.max(budget / MIN_SEGMENTS, Math.min(MIN_SEGMENT_BYTES, budget / MIN_SMALL_SEGMENTS));
  const wanted = Math.max(Math.min(fine, MAX_SEGMENT_BYTES), budget / MAX_SEGMENTS);
  const bytes = Math.floor(wanted / PAGE_BYTES) * PAGE_BYTES;
  if (bytes === MAX_SEGMENT_BYTES) return bytes;
  return Math.max(0, bytes - PAGE_BYTES);
}

/** The one that has the least room. @param segments one at least */
export function leastRoom<T>(segments: readonly Segment<T>[]): Segment<T> {
  return segments.reduce((least, segment) => (segment.room < least.room ? segment : least));
}
