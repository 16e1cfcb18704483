import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { Slice } from '../../aggregate/slice.ts';
import { invariant } from '../../base/invariant.ts';
import type { Lease } from '../../memory/lease.ts';
import type { Untaken } from './send-window.ts';

/** From so many messages on, or so many bytes, a peer has to take what it was sent before it is answered. */
const MAX_MESSAGES = 16_384;
const MAX_BYTES = 32 * 1024 ** 2;

/**
 * The bodies that were sent and that the peer has not leased, oldest first: references of our own, which a
 * peer that acknowledges nothing would have grow. A buffer that is sent several times in a row counts once.
 */
export class Unleased implements Untaken {
  readonly #bodies: (Aggregate | undefined)[] = [];
  /** Twice the bytes that each added, and one more if it needed credit: no object a message. */
  readonly #added: number[] = [];
  /** Where the oldest is: those before it were leased, and go together. */
  #first = 0;
  #bytes = 0;
  #lastLease: Lease | undefined;
  #lastEnd = 0;

  get count(): number {
    return this.#bodies.length - this.#first;
  }

  /** Whether the peer has so little to take that it may be sent more. */
  get isShort(): boolean {
    return this.#bytes < MAX_BYTES && this.count < MAX_MESSAGES;
  }

  get bodies(): readonly (Aggregate | undefined)[] {
    return this.#bodies.slice(this.#first);
  }

  /** A message is sent. Takes over the reference of its body. */
  add(body: Aggregate | undefined, slices: readonly Slice[], needsCredit: boolean): void {
    let added = 0;
    for (const { lease, start, end } of slices) {
      const isKnown = lease === this.#lastLease;
      if (!isKnown) added += end - start;
      else if (end > this.#lastEnd) added += end - Math.max(start, this.#lastEnd);
      this.#lastEnd = isKnown ? Math.max(end, this.#lastEnd) : end;
      this.#lastLease = lease;
    }
    this.#bodies.push(body);
    this.#added.push(2 * added + (needsCredit ? 1 : 0));
    this.#bytes += added;
  }

  /** The oldest were leased: their references go. @returns how many of them needed credit */
  taken(count: number): number {
    let credits = 0;
    for (let i = 0; i < count; i++) {
      const added = this.#added[this.#first] as number;
      credits += added % 2;
      this.#bytes -= Math.floor(added / 2);
      this.#bodies[this.#first]?.release();
      this.#bodies[this.#first] = undefined;
      this.#first += 1;
    }
    if (2 * this.#first >= this.#bodies.length) {
      this.#bodies.splice(0, this.#first);
      this.#added.splice(0, this.#first);
      this.#first = 0;
    }
    invariant(this.#bytes >= 0, 'bytes that are not leased are those of messages that are not');
    // A lease that nobody else keeps is to be collected.
    if (this.#bodies.length === 0) this.#lastLease = undefined;
    return credits;
  }
}
