import type { Aggregate } from '../../../aggregate/aggregate.ts';
import { type ByteLink, SEND_STEP_BYTES } from '../../../network/byte-link.ts';
import { FLAG, FRAME, FRAME_BYTES, FRAME_HEAD_BYTES } from './frame.ts';

/** What is copied: frames of control and heads, behind a step of bodies. */
const COPY_BYTES = SEND_STEP_BYTES + 64 * 1024;
/** Views of up to this many bytes are copied: to send each as a piece of its own costs more. */
const SMALL_BYTES = 4096;
const NUMBER_BYTES = 4;

/**
 * Frames that leave together. One for all connections of a lane: it is filled and emptied within one turn,
 * for one of them.
 */
export class FrameOutput {
  /** Whoever fills it. */
  owner: object | undefined;
  #copy = Buffer.allocUnsafeSlow(COPY_BYTES);
  #at = 0;
  /** Where the bytes begin that are behind the last piece. */
  #from = 0;
  #pieces: Uint8Array[] = [];
  readonly #held: Aggregate[] = [];
  #size = 0;

  /** In bytes. */
  get size(): number {
    return this.#size;
  }

  /** Bytes that still go into this step. */
  get room(): number {
    return SEND_STEP_BYTES - this.#size;
  }

  /** Whether so many bytes can still be copied. */
  hasPlace(bytes: number): boolean {
    return this.#at + bytes <= COPY_BYTES;
  }

  /** @param length of what follows: see {@link hasPlace} */
  frameHead(length: number, kind: number, flags: number, stream: number): void {
    this.#makePlace(FRAME_HEAD_BYTES + NUMBER_BYTES);
    const copy = this.#copy;
    const at = this.#at;
    copy[at] = length >>> 16;
    copy[at + 1] = length >>> 8;
    copy[at + 2] = length;
    copy[at + 3] = kind;
    copy[at + 4] = flags;
    this.#at = at + 5;
    this.#size += FRAME_HEAD_BYTES;
    this.#uint32(stream);
  }

  /** A frame of one number. */
  numberFrame(kind: number, stream: number, value: number): void {
    this.frameHead(4, kind, 0, stream);
    this.#uint32(value);
    this.#size += 4;
  }

  /** A frame of the connection: of no stream. */
  control(kind: number, flags: number, bytes: Uint8Array): void {
    this.frameHead(bytes.length, kind, flags, 0);
    this.bytes(bytes);
  }

  /** @param last the last stream that is answered */
  goaway(last: number, reason: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32BE(last, 0);
    bytes.writeUInt32BE(reason, 4);
    this.control(FRAME.goaway, 0, bytes);
  }

  /** Copies some bytes. */
  bytes(bytes: Uint8Array): void {
    this.#makePlace(bytes.length);
    this.#copy.set(bytes, this.#at);
    this.#at += bytes.length;
    this.#size += bytes.length;
  }

  /** Copies a part of some bytes, without a view of it. */
  part(bytes: Buffer, start: number, length: number): void {
    bytes.copy(this.#copy, this.#at, start, start + length);
    this.#at += length;
    this.#size += length;
  }

  /** Copies all of a body, and releases it. */
  whole(body: Aggregate): void {
    const { length } = body;
    body.copyTo(this.#copy, this.#at);
    body.release();
    this.#at += length;
    this.#size += length;
  }

  /** A view of memory that stays as it is until this is sent: see {@link hold}. */
  view(view: Buffer): void {
    if (view.length <= SMALL_BYTES && this.hasPlace(view.length)) {
      this.bytes(view);
      return;
    }
    this.#cut();
    this.#pieces.push(view);
    this.#size += view.length;
  }

  /** Takes over an aggregate, and releases it when all is sent. */
  hold(aggregate: Aggregate): void {
    this.#held.push(aggregate);
  }

  /** A block of fields in two parts, in as many frames as it takes. @param flags FLAG.endStream, or none */
  block(stream: number, flags: number, first: number, block: Buffer, last: Buffer): void {
    const length = (first === WITHOUT ? 0 : 1) + block.length + last.length;
    if (length > FRAME_BYTES) {
      const prefix = first === WITHOUT ? [] : [Buffer.of(first)];
      this.#longBlock(stream, flags, Buffer.concat([...prefix, block, last]));
      return;
    }
    this.frameHead(length, FRAME.headers, flags | FLAG.endHeaders, stream);
    if (first !== WITHOUT) {
      this.#makePlace(1);
      this.#copy[this.#at++] = first;
      this.#size += 1;
    }
    this.bytes(block);
    this.bytes(last);
  }

  /** Gives all to a link, and is empty. @returns as {@link ByteLink.send} */
  sendBy(link: ByteLink): boolean {
    this.#cut();
    const pieces = this.#pieces;
    this.#pieces = [];
    try {
      return link.send(pieces);
    } finally {
      this.drop();
    }
  }

  /** Nobody wants what is in it. */
  drop(): void {
    this.#pieces.length = 0;
    this.#at = 0;
    this.#from = 0;
    this.#size = 0;
    for (const aggregate of this.#held) aggregate.release();
    this.#held.length = 0;
  }

  #longBlock(stream: number, flags: number, block: Buffer): void {
    let kind: number = FRAME.headers;
    for (let at = 0; at < block.length; at += FRAME_BYTES) {
      const part = block.subarray(at, at + FRAME_BYTES);
      const isLast = at + part.length === block.length;
      const first = kind === FRAME.headers ? flags : 0;
      this.frameHead(part.length, kind, first | (isLast ? FLAG.endHeaders : 0), stream);
      this.view(part);
      kind = FRAME.continuation;
    }
  }

  #uint32(value: number): void {
    const copy = this.#copy;
    const at = this.#at;
    copy[at] = value >>> 24;
    copy[at + 1] = value >>> 16;
    copy[at + 2] = value >>> 8;
    copy[at + 3] = value;
    this.#at = at + 4;
  }

  /** More than fits comes of what does not wait for room: frames of control, interim responses. */
  #makePlace(bytes: number): void {
    if (this.hasPlace(bytes)) return;
    this.#cut();
    this.#copy = Buffer.allocUnsafeSlow(COPY_BYTES);
    this.#at = 0;
    this.#from = 0;
  }

  #cut(): void {
    if (this.#at > this.#from) this.#pieces.push(this.#copy.subarray(this.#from, this.#at));
    this.#from = this.#at;
  }
}

/** Where a block has no byte before it. */
export const WITHOUT = -0x1;
