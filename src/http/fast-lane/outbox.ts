import { Aggregate } from '../../aggregate/aggregate.ts';
import type { Slice } from '../../aggregate/slice.ts';
import type { LaneLink } from './lane-link.ts';
import { referable } from './referred-body.ts';

/** Answers that come to no more leave as a copy: to tell the kernel of each piece costs more than that. */
export const SMALL_BYTES = 16 * 1024;
/** Most bytes sent in one system call: a mebibyte with its header. */
export const STEP_BYTES = 1088 * 1024;

/** What a socket had no room for. */
export interface Unsent {
  readonly parts: readonly (Buffer | Aggregate)[];
  /** Bytes of the parts that it took. */
  readonly sent: number;
  /** Whether it takes no more now. */
  readonly isFull: boolean;
}

/**
 * Answers that leave together. One for all connections of a lane: it is filled and emptied within one turn,
 * for one of them.
 */
export class Outbox {
  /** What small answers are put together in, one behind the other. */
  readonly #copy = Buffer.allocUnsafeSlow(SMALL_BYTES);
  /** Otherwise: what is to be sent. */
  #parts: (Buffer | Aggregate)[] = [];
  #isCopy = true;
  /** What goes by reference, behind a head that lies in the copy. */
  #referred: Slice | undefined;
  #size = 0;

  /** In bytes. */
  get size(): number {
    return this.#size;
  }

  /** @param head stays as it is. @param body taken over */
  add(head: readonly Buffer[], body: Aggregate | undefined): void {
    const before = this.#size;
    let size = before + (body?.length ?? 0);
    for (const bytes of head) size += bytes.length;
    this.#size = size;
    if (this.#isCopy && size <= SMALL_BYTES) this.#addCopy(before, head, body);
    else this.#addParts(before, head, body);
  }

  /**
   * Sends all as far as a client's connection takes it now. It is empty then.
   * @param most bytes to send; less is sent to those who may be slow, for it takes memory while they read
   * @returns undefined if it took all
   */
  send(link: LaneLink, most = STEP_BYTES): Unsent | undefined {
    const size = this.#size;
    this.#size = 0;
    if (this.#isCopy) {
      const sent = link.sendBytes(this.#copy, size);
      if (sent === size && !link.hasUnsent) return undefined;
      return { parts: [Buffer.from(this.#copy.subarray(0, size))], sent, isFull: true };
    }
    const parts = this.#parts;
    const referred = this.#referred;
    const sent =
      (referred && link.sendReferred(this.#copy, size - referred.length, referred, STEP_BYTES)) ??
      link.sendPieces(piecesOf(parts), most);
    this.#isCopy = true;
    this.#referred = undefined;
    if (sent < size || link.hasUnsent) {
      this.#parts = [];
      return { parts, sent, isFull: sent < most || link.hasUnsent };
    }
    for (const part of parts) if (Aggregate.isAggregate(part)) part.release();
    parts.length = 0;
    return undefined;
  }

  #addCopy(before: number, head: readonly Buffer[], body: Aggregate | undefined): void {
    this.#copyHead(before, head);
    if (body === undefined) return;
    body.copyTo(this.#copy, this.#size - body.length);
    body.release();
  }

  #copyHead(before: number, head: readonly Buffer[]): void {
    let at = before;
    for (const bytes of head) {
      this.#copy.set(bytes, at);
      at += bytes.length;
    }
  }

  #addParts(before: number, head: readonly Buffer[], body: Aggregate | undefined): void {
    if (this.#isCopy && before > 0) this.#parts.push(Buffer.from(this.#copy.subarray(0, before)));
    this.#isCopy = false;
    this.#referred = before === 0 && body !== undefined ? referable(body) : undefined;
    const headLength = this.#size - (this.#referred?.length ?? 0);
    if (this.#referred !== undefined && headLength <= SMALL_BYTES) this.#copyHead(0, head);
    else this.#referred = undefined;
    for (const bytes of head) this.#parts.push(bytes);
    if (body !== undefined) this.#parts.push(body);
  }
}

function piecesOf(parts: readonly (Buffer | Aggregate)[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (const part of parts) {
    if (!Aggregate.isAggregate(part)) pieces.push(part);
    else for (const view of part.gather().memory()) pieces.push(view);
  }
  return pieces;
}
