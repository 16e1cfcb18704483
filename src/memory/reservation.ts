import type { BufferPlace, OwnedChunk } from './chunk.ts';
import type { Lease } from './lease.ts';

/**
 * Room for one buffer: writable until committed or cancelled. Holds one reference of its lease, which is for
 * as many bytes as it is long where it is `counted`.
 */
export class Reservation {
  readonly lease: Lease;
  readonly offset: number;
  readonly length: number;
  readonly #place: BufferPlace | undefined;
  #bytes: Buffer | undefined = undefined;
  #counted: boolean;

  constructor(lease: Lease, offset: number, length: number, counted: boolean) {
    this.lease = lease;
    this.offset = offset;
    this.length = length;
    this.#counted = counted;
    if (counted) lease.note(length);
    this.#place = (lease.chunk as OwnedChunk).buffers?.add(offset);
  }

  /**
   * It is committed with so many bytes, or cancelled, with none: it is room no more, and its bytes count no
   * longer. For its pool.
   */
  end(kept: number): this {
    if (this.#counted) this.lease.note(-this.length);
    this.#counted = false;
    if (this.#place !== undefined) this.#place.kept = kept;
    return this;
  }

  /** The room itself. Fill it, then commit. Made when it is asked for first: drafts show another view. */
  get bytes(): Buffer {
    this.#bytes ??= this.lease.bytes.subarray(this.offset, this.offset + this.length);
    return this.#bytes;
  }
}
