import { Aggregate } from '../../aggregate/aggregate.ts';
import { sendGathered } from '../../os/gather.ts';
import { sendNow } from '../../os/socket.ts';

/** Answers that come to no more leave as a copy: to tell the kernel of each piece costs more than that. */
const SMALL = 16 * 1024;
/** Most bytes sent in one system call. */
export const STEP = 1024 ** 2;

/** What a socket had no room for. */
export interface Unsent {
  readonly parts: readonly (Buffer | Aggregate)[];
  /** Bytes of the parts that it took. */
  readonly sent: number;
  /** Whether it takes no more now. */
  readonly isFull: boolean;
}

/**
 * Answers that leave together. One for all connections of a lane: it is filled and emptied within one turn, for one of them.
 */
export class Outbox {
  /** What small answers are put together in, one behind the other. */
  readonly #copy = Buffer.allocUnsafeSlow(SMALL);
  /** Otherwise: what is to be sent, and its bytes. */
  #parts: (Buffer | Aggregate)[] = [];
  readonly #pieces: Buffer[] = [];
  #isCopy = true;
  #size = 0;

  /** In bytes. */
  get size(): number {
    return this.#size;
  }

  /** @param head stays as it is. @param body taken over */
  add(head: readonly Buffer[], body: Aggregate | undefined): void {
    let size = this.#size + (body?.length ?? 0);
    for (const bytes of head) size += bytes.length;
    if (this.#isCopy && size <= SMALL) this.#addCopy(head, body);
    else this.#addPieces(head, body);
    this.#size = size;
  }

  /**
   * Sends all as far as a socket takes it now. It is empty then.
   * @param most bytes to send; less is sent to those who may be slow, for it takes memory while they read
   * @returns undefined if it took all
   */
  send(fd: number, most = STEP): Unsent | undefined {
    const size = this.#size;
    this.#size = 0;
    if (this.#isCopy) {
      const bytes = this.#copy.subarray(0, size);
      const sent = sendNow(fd, bytes);
      return sent === size ? undefined : { parts: [Buffer.from(bytes)], sent, isFull: true };
    }
    const parts = this.#parts;
    const sent = sendGathered(fd, this.#pieces, 0, 0, most);
    this.#isCopy = true;
    this.#pieces.length = 0;
    if (sent < size) {
      this.#parts = [];
      return { parts, sent, isFull: sent < most };
    }
    for (const part of parts) if (Aggregate.isAggregate(part)) part.release();
    parts.length = 0;
    return undefined;
  }

  #addCopy(head: readonly Buffer[], body: Aggregate | undefined): void {
    let at = this.#size;
    for (const bytes of head) {
      this.#copy.set(bytes, at);
      at += bytes.length;
    }
    if (body === undefined) return;
    body.copyTo(this.#copy, at);
    body.release();
  }

  #addPieces(head: readonly Buffer[], body: Aggregate | undefined): void {
    if (this.#isCopy && this.#size > 0) {
      const before = Buffer.from(this.#copy.subarray(0, this.#size));
      this.#parts.push(before);
      this.#pieces.push(before);
    }
    this.#isCopy = false;
    for (const bytes of head) {
      this.#parts.push(bytes);
      this.#pieces.push(bytes);
    }
    if (body === undefined) return;
    this.#parts.push(body);
    for (const view of body.views()) this.#pieces.push(view);
  }
}
