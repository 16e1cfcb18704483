import { Aggregate } from '../aggregate/aggregate.ts';
import { leakDetector } from '../aggregate/leak-detector.ts';
import { Slice } from '../aggregate/slice.ts';
import { append, join } from '../aggregate/tree/tree.ts';
import { type Bytes, bufferOver } from '../base/bytes.ts';
import { leaseOfAdopted } from '../memory/heap-chunk.ts';

/**
 * The aggregate of one list: buffers of the caller's, adopted, and slices of aggregates that were put in. Its
 * buffers may change under it, so that nothing that was copied from them is kept.
 */
export class ListBytes extends Aggregate {
  /** Whether pools may own some of the memory, and recycle it: whoever asks for Buffers gets copies then. */
  isPooled = false;
  #buffers: Buffer[] | undefined;

  /** Adds bytes at an end. Copies nothing. */
  put(bytes: Bytes, atFront: boolean): void {
    const lease = leaseOfAdopted(bufferOver(bytes));
    const { length } = lease.bytes;
    if (length === 0) return;
    lease.hold(length);
    const slice = new Slice(lease, 0, length);
    if (atFront) this.change(join(slice, this.tree));
    else this.grow(append(this.tree, slice));
    this.#changed();
  }

  /** Adds the slices of an aggregate at an end. Copies nothing. @throws ERR_IOLITE_RELEASED */
  share(content: Aggregate, atFront: boolean): void {
    if (atFront) this.prepend(content);
    else this.append(content);
    this.#changed();
  }

  /** Drops the first bytes. */
  drop(count: number): void {
    this.trimStart(count);
    this.#changed();
  }

  /**
   * The bytes of a range, `from < to`, for whoever asks: a view if one buffer that is no pool's has them all.
   */
  bufferOf(from: number, to: number): Buffer {
    const size = to - from;
    if (this.isPooled) {
      const copy = Buffer.allocUnsafe(size);
      this.copyTo(copy, 0, from, to);
      return copy;
    }
    const index = this.place(from, size, 'slice');
    const { window } = this;
    return index === 0 && window.length === size ? window : window.subarray(index, index + size);
  }

  /** All bytes in pieces, for whoever asks: copies if some may be a pool's, else views, which are kept. */
  buffers(): Buffer[] {
    if (this.isPooled) return this.memory().map(view => Buffer.from(view));
    this.#buffers ??= this.views();
    return this.#buffers;
  }

  #changed(): void {
    this.#buffers = undefined;
    // Lists are dropped without a word: that is no leak.
    leakDetector?.released(this);
  }
}
