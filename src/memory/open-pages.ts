import type { OwnedChunk } from './chunk.ts';
import { PAGE_BYTES, roundUp } from './chunk.ts';
import type { Lease } from './lease.ts';

/** A part of a chunk that is being filled. */
interface Range {
  readonly lease: Lease;
  readonly offset: number;
  readonly length: number;
}

/**
 * The pages of a pool of kind 'protect' that its process can write just now: those that are being filled.
 * Small buffers follow one another in a chunk, and a page is the least that can be protected; so none that is
 * sealed lies in a page of one that others may still write:
 *
 *     | sealed | sealed |.......| draft      |..| draft |..|
 *     ^ page                    ^ page          ^ page
 *
 * Buffers that are filled promptly, with no other program running meanwhile, share pages with sealed ones.
 */
export class OpenPages {
  /**
   * The last one opened of those that follow one another, until it is shut: those before it end in pages of
   * their own, and before it. What has a chunk for itself is none of them.
   */
  #last: Range | undefined;

  /** Where the next small buffer begins, at `position` or behind it. */
  place(lease: Lease | undefined, position: number, alignment: number, prompt: boolean): number {
    const last = this.#last;
    const meetsOpen = last !== undefined && last.lease === lease && last.offset + last.length === position;
    return roundUp(position, prompt && !meetsOpen ? alignment : PAGE_BYTES);
  }

  /** Lets a range be written. @throws SystemError: ENOMEM; it is cancelled then */
  open<R extends Range>(range: R, pool: { cancel(range: R): void }): void {
    const { lease, offset, length } = range;
    const chunk = lease.chunk as OwnedChunk;
    try {
      chunk.open(offset, offset + length);
    } catch (error) {
      pool.cancel(range);
      throw error;
    }
    if (chunk.soleEnd === undefined) this.#last = range;
  }

  /** Protects it again. @throws SystemError: ENOMEM */
  shut(range: Range): void {
    const { lease, offset, length } = range;
    if (this.#last === range) this.#last = undefined;
    (lease.chunk as OwnedChunk).shut(offset, offset + length);
  }

  /** As {@link shut}, of a range in which nothing was sealed: it does no harm if it stays as it is. */
  forget(range: Range): void {
    try {
      this.shut(range);
    } catch {
      // Whoever gets these pages next opens and shuts them.
    }
  }
}
