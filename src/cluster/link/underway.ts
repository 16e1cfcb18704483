import { invariant } from '../../base/invariant.ts';
import type { Untaken } from '../../ipc/flow/send-window.ts';

/**
 * From so many bytes on nothing that can wait follows: what is on its way lies in a server of NATS, which
 * cuts off who has 64 MiB there.
 */
const MAX_BYTES = 8 * 1024 ** 2;
const MAX_MESSAGES = 16_384;

/** Messages that were sent and that the peer has not received. */
export class Underway implements Untaken {
  /** Twice the bytes of each, the oldest first, and one more if it needed credit: no object a message. */
  readonly #added: number[] = [];
  #bytes = 0;

  get count(): number {
    return this.#added.length;
  }

  /** Whether the peer has so little to receive that it may be sent more. */
  get isShort(): boolean {
    return this.#bytes < MAX_BYTES && this.#added.length < MAX_MESSAGES;
  }

  /** A message is sent. */
  add(bytes: number, needsCredit: boolean): void {
    this.#added.push(2 * bytes + (needsCredit ? 1 : 0));
    this.#bytes += bytes;
  }

  /** The oldest were received. @returns how many of them needed credit */
  taken(count: number): number {
    let credits = 0;
    for (const added of this.#added.splice(0, count)) {
      credits += added % 2;
      this.#bytes -= Math.floor(added / 2);
    }
    invariant(this.#bytes >= 0, 'bytes that are under way are those of messages that are');
    return credits;
  }
}
