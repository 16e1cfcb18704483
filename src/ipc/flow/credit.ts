import type { Slice } from '../../aggregate/slice.ts';
import { invariant } from '../../base/invariant.ts';
import type { Lease } from '../../memory/lease.ts';
import { protocolError } from '../wire/frame.ts';

/** Buffers of messages that are not consumed: what a sender runs ahead is memory that cannot be recycled. */
const MAX_AHEAD_BYTES = 32 * 1024 ** 2;

/** How far one side of a channel may run ahead of what the other has consumed. */
export class Credit {
  #sent = 0;
  #consumed = 0;
  /** Bytes that each message sent and not consumed added, oldest first. */
  readonly #added: number[] = [];
  #bytes = 0;
  /** The buffer sent last and how far: a buffer that is sent again keeps no further memory. */
  #lastLease: Lease | undefined;
  #lastEnd = 0;

  /** Whether another message may be sent. @param most messages that the peer lets wait */
  isLeft(most: number): boolean {
    return this.#added.length < most && this.#bytes < MAX_AHEAD_BYTES;
  }

  /** What was sent and not consumed: messages, and bytes of their buffers. */
  get used(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#added.length, bytes: this.#bytes };
  }

  /** A message of these slices is sent. */
  take(slices: readonly Slice[]): void {
    let added = 0;
    for (const { lease, start, end } of slices) {
      const isKnown = lease === this.#lastLease;
      if (!isKnown) added += end - start;
      else if (end > this.#lastEnd) added += end - Math.max(start, this.#lastEnd);
      this.#lastEnd = isKnown ? Math.max(end, this.#lastEnd) : end;
      this.#lastLease = lease;
    }
    this.#sent = (this.#sent + 1) >>> 0;
    this.#added.push(added);
    this.#bytes += added;
  }

  /**
   * The peer tells how many messages it has consumed by now, modulo 2^32. @returns how many more than before
   * @throws ERR_IOLITE_PROTOCOL
   */
  consumed(byNow: number): number {
    const count = (byNow - this.#consumed) >>> 0;
    if (count > (this.#sent - this.#consumed) >>> 0)
      throw protocolError('it consumed messages that were never sent');
    this.#consumed = byNow;
    for (const added of this.#added.splice(0, count)) this.#bytes -= added;
    invariant(
      this.#added.length === (this.#sent - byNow) >>> 0,
      'each message that is not consumed is counted',
    );
    invariant(
      this.#added.length > 0 ? this.#bytes >= 0 : this.#bytes === 0,
      'bytes that are not consumed are those of messages that are not',
    );
    // A lease that nobody else keeps is to be collected.
    if (this.#added.length === 0) this.#lastLease = undefined;
    return count;
  }
}
