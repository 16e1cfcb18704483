import { ConnectionFault, FRAME_BYTES, FRAME_HEAD_BYTES, PREFACE, REASON } from './frame.ts';

/** Whom frames are for. */
export interface FrameHost {
  /** Whether no more frames are wanted. */
  readonly isOver: boolean;
  /**
   * A frame came.
   * @param bytes valid during the call only; what is behind its head lies from `start` to `end`
   * @throws ConnectionFault
   */
  frame(kind: number, flags: number, stream: number, bytes: Buffer, start: number, end: number): void;
}

/**
 * Cuts what a client says, which begins with the preface, into frames, wherever they are divided. It keeps
 * one frame at most.
 */
export class FrameCutter {
  readonly #host: FrameHost;
  /** The beginning of a frame, and how much of it is there. */
  #begun: Buffer | undefined;
  #length = 0;
  /** Bytes that came of what a client says first. */
  #preface = 0;

  constructor(host: FrameHost) {
    this.#host = host;
  }

  /** @param bytes valid during the call only. @throws ConnectionFault */
  read(bytes: Buffer): void {
    let at = this.#preface < PREFACE.length ? this.#begins(bytes) : 0;
    while (this.#begun !== undefined && at < bytes.length) at = this.#complete(this.#begun, bytes, at);
    const { length } = bytes;
    while (at < length && !this.#host.isOver) {
      if (length - at < FRAME_HEAD_BYTES) {
        this.#begin(FRAME_HEAD_BYTES, bytes, at);
        return;
      }
      const size = FRAME_HEAD_BYTES + lengthAt(bytes, at);
      if (length - at < size) {
        this.#begin(size, bytes, at);
        return;
      }
      this.#give(bytes, at, size);
      at += size;
    }
  }

  /** @returns where the bytes begin that are behind what a client says first */
  #begins(bytes: Buffer): number {
    let at = 0;
    for (; this.#preface < PREFACE.length && at < bytes.length; at++) {
      if (bytes[at] !== PREFACE[this.#preface]) throw new ConnectionFault(REASON.protocol);
      this.#preface += 1;
    }
    return at;
  }

  #begin(size: number, bytes: Buffer, at: number): void {
    this.#begun = Buffer.allocUnsafe(size);
    this.#length = bytes.copy(this.#begun, 0, at);
  }

  /** @returns where the bytes begin that are no part of the frame */
  #complete(begun: Buffer, bytes: Buffer, at: number): number {
    const count = bytes.copy(begun, this.#length, at);
    this.#length += count;
    if (this.#length < begun.length) return at + count;
    const size = FRAME_HEAD_BYTES + lengthAt(begun, 0);
    if (begun.length === size) {
      this.#begun = undefined;
      this.#give(begun, 0, size);
    } else {
      // Its head alone is complete.
      this.#begin(size, begun, 0);
    }
    return at + count;
  }

  #give(bytes: Buffer, at: number, size: number): void {
    const stream =
      (((bytes[at + 5] as number) & 0x7f) << 24) |
      ((bytes[at + 6] as number) << 16) |
      ((bytes[at + 7] as number) << 8) |
      (bytes[at + 8] as number);
    const kind = bytes[at + 3] as number;
    this.#host.frame(kind, bytes[at + 4] as number, stream, bytes, at + FRAME_HEAD_BYTES, at + size);
  }
}

function lengthAt(bytes: Buffer, at: number): number {
  const length = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
  if (length > FRAME_BYTES) throw new ConnectionFault(REASON.frameSize);
  return length;
}
