import type { Lease } from '../memory/lease.ts';

/** Buffers begin at multiples of this. */
export const ALIGNMENT_BYTES = 64;

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
  /** Who has content here, and how many bytes. */
  readonly tenants = new Map<Tenant, number>();
  /** Where the next content goes. */
  position: number;
  /** Bytes that the cache refers to, and bytes of contents that are being filled. */
  live = 0;
  filling = 0;
  /** Whether it takes more contents. */
  open = true;

  constructor(lease: Lease, start: number, length: number) {
    this.lease = lease;
    this.start = start;
    this.position = start;
    this.end = start + length;
  }

  /** Bytes of the chunk. */
  get size(): number {
    return this.lease.chunk.size;
  }

  /** Bytes that can still be given out. */
  get room(): number {
    return this.open ? this.end - this.position : 0;
  }

  /** Bytes that hold nothing any more and cannot be used again before the segment is free. */
  get dead(): number {
    return this.end - this.start - this.live - this.filling - this.room;
  }
}
