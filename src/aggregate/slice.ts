import type { InspectOptionsStylized } from 'node:util';
import { hexOf, INSPECT } from '../base/inspect.ts';
import type { Lease } from '../memory/lease.ts';
import { copyOf } from '../memory/own-pages.ts';

/** Names content system-wide: derived facts can be cached by it. */
export interface SliceId {
  /** Id of the chunk, 32 hexadecimal digits. */
  readonly chunk: string;
  /** How often the chunk was used again. */
  readonly generation: number;
  /** From the start of the chunk, in bytes. */
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
}

/**
 * A sub-range of a buffer: pointer and length. Immutable; whoever keeps one holds a reference of its lease.
 */
export class Slice {
  // Private, so that whatever prints or copies fields finds no chunk here.
  readonly #lease: Lease;
  /** Offset of the first byte from the chunk's start, and of the byte after the last. */
  readonly start: number;
  /** Offset of the byte after the last from the chunk's start. */
  readonly end: number;

  /** @internal */
  constructor(lease: Lease, start: number, end: number) {
    this.#lease = lease;
    this.start = start;
    this.end = end;
  }

  /** @internal */
  get lease(): Lease {
    return this.#lease;
  }

  /** In bytes. */
  get length(): number {
    return this.end - this.start;
  }

  /** What names its content system-wide. */
  get id(): SliceId {
    const lease = this.#lease;
    const { start, end } = this;
    return { chunk: lease.chunk.id, generation: lease.generation, offset: start, length: end - start };
  }

  /**
   * A view of the bytes; copies nothing. Read it while the aggregate that the slice is from is unreleased.
   * (Received with `onWrite: 'copy'`, it is a copy, which may be written.)
   */
  get bytes(): Buffer {
    const { chunk } = this.#lease;
    if (chunk.mapToWrite !== undefined) return copyOf(this.#lease, this.start, this.end);
    return chunk.shown.subarray(this.start, this.end);
  }

  /** The same for this library: no program can move its memory away, and nobody writes it. */
  get memory(): Buffer {
    return this.#lease.bytes.subarray(this.start, this.end);
  }

  /** For Buffer.from(): a copy of the bytes. */
  valueOf(): Buffer {
    return copyOf(this.#lease, this.start, this.end);
  }

  /** What names it. */
  toJSON(): SliceId {
    return this.id;
  }

  /** @internal */
  [INSPECT](_depth: number, options: InspectOptionsStylized): string {
    return `Slice <${hexOf([this.memory])}> ${options.stylize(`${this.length} bytes`, 'special')}`;
  }
}
