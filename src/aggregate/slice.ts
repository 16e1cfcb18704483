import type { Lease } from '../memory/lease.ts';

/** Names content system-wide: derived facts can be cached by it. */
export interface SliceId {
  /** Id of the chunk, 32 hexadecimal digits. */
  readonly chunk: string;
  readonly generation: number;
  /** From the start of the chunk, in bytes. */
  readonly offset: number;
  readonly length: number;
}

/**
 * A sub-range of a buffer: pointer and length. Immutable; whoever keeps one holds a reference of its lease.
 */
export class Slice {
  readonly lease: Lease;
  /** Offset of the first byte from the chunk's start, and of the byte after the last. */
  readonly start: number;
  readonly end: number;

  constructor(lease: Lease, start: number, end: number) {
    this.lease = lease;
    this.start = start;
    this.end = end;
  }

  /** In bytes. */
  get length(): number {
    return this.end - this.start;
  }

  get id(): SliceId {
    const { lease, start, end } = this;
    return { chunk: lease.chunk.id, generation: lease.generation, offset: start, length: end - start };
  }

  /**
   * A view of the bytes; copies nothing. Read it while the aggregate that the slice is from is unreleased.
   */
  get bytes(): Buffer {
    return this.lease.bytes.subarray(this.start, this.end);
  }
}
