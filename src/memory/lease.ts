import { CHECKED, invariant } from '../base/invariant.ts';
import type { Chunk } from './chunk.ts';

/** Bytes of the slices and drafts that hold a lease, each counted for itself. */
export interface Tally {
  bytes: number;
}

/**
 * This domain's claim that one generation of a chunk is in use: a plain count of the slices that hold it.
 *
 * For a chunk of our own the count is all there is; for one received from another domain a kernel lock
 * stands as long as the lease lives. When the count falls to zero the chunk is told, and may be recycled:
 * whoever looks at `bytes` afterwards may see other content.
 *
 * A lease that is garbage-collected with its count above zero ends as well: the chunk's keeper registers
 * it for finalisation (one registration a chunk and generation, none a slice), so forgotten aggregates cost
 * memory only until the collector runs.
 */
export class Lease {
  // Private, so that whatever prints or copies fields finds no chunk behind a slice.
  readonly #chunk: Chunk;
  readonly #generation: number;
  readonly #bytes: Buffer;
  /** Live references. Changed by {@link retain} and {@link release} only. */
  references = 0;
  /** For the chunk's pool, which is not to keep the lease from being collected. */
  readonly tally: Tally = { bytes: 0 };

  /** @param generation of a chunk whose owner could change it between two looks: the one that was checked */
  constructor(chunk: Chunk, generation = chunk.generation) {
    this.#chunk = chunk;
    this.#generation = generation;
    this.#bytes = chunk.bytes;
  }

  get chunk(): Chunk {
    return this.#chunk;
  }

  get generation(): number {
    return this.#generation;
  }

  /** The whole chunk, header included: offsets of slices count from its start. For this library alone. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Adds references. O(1), no system call. */
  retain(count = 1): void {
    this.references += count;
  }

  /** As {@link retain}, for a slice of so many bytes. */
  hold(bytes: number): void {
    this.references += 1;
    this.tally.bytes += bytes;
  }

  /** As {@link release}, for a slice. */
  drop(bytes: number): void {
    this.tally.bytes -= bytes;
    this.release();
  }

  /** A reference that is held already is for so many bytes more; or fewer, below 0. */
  note(bytes: number): void {
    this.tally.bytes += bytes;
  }

  /** Takes references back; the last one ends the lease. */
  release(count = 1): void {
    this.references -= count;
    if (this.references > 0) return;
    // Only here, not at each release: it costs a twentieth of what duplicate() and release() cost.
    invariant(this.references === 0, 'a lease is released no more often than it was retained');
    if (CHECKED) invariant(this.tally.bytes >= 0, 'who held a lease gives back no more bytes than he held');
    if (this.references === 0) this.#chunk.leaseEnded(this.#generation);
  }
}
