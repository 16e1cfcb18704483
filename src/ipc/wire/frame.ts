import { IoliteError } from '../../base/error.ts';

/**
 * The wire format of a channel's message socket: frames, little-endian, each a header of 8 bytes and a body.
 * docs/protocol.md describes it byte by byte.
 *
 *     0  length  u32, of the body
 *     4  type    u8, one of {@link FrameType}
 *     5  flags   u8, by type
 *     6  zero    u16
 */
export const PROTOCOL_VERSION = 3;
export const PROTOCOL_MAGIC = 0x314c4f49; // "IOL1"

const HEADER_BYTES = 8;
/** Largest frame body: a head of 1 MiB, and slices. */
export const MAX_FRAME_BYTES = 4 * 1024 ** 2;
export const MAX_MESSAGE_HEAD_BYTES = 1024 ** 2;
export const MAX_SLICES = 100_000;

export const FrameType = {
  /** First frame of each side: magic u32, version u32. */
  HELLO: 1,
  /** A chunk's descriptor was sent: index u32, reserved u32, size u64, id 16 bytes. Flag 1: sole buffer. */
  GRANT: 2,
  /** The sender will not name the chunk again: index u32. */
  REVOKE: 3,
  /**
   * kind u32, correlation u32, head length u32, slice count u32, head, slices of 16 bytes. Flag 1: has a
   * body.
   */
  MESSAGE: 4,
  /** Messages of the peer leased and consumed so far, modulo 2^32: u32, u32. */
  ACKNOWLEDGE: 5,
  /** Please revoke: index u32. */
  FORGET: 6,
  /** No more messages from this side. */
  BYE: 7,
  /** The requester no longer waits: correlation u32. */
  CANCEL: 8,
  /** In place of HELLO: the connection is refused. reason u32, see refusal.ts. */
  REFUSED: 9,
  /** Pieces of a stream consumed so far, modulo 2^32: stream u32, u32. */
  CREDIT: 10,
  /** The receiver of a stream wants no more of it: stream u32, why as JSON. */
  STOP: 11,
  /** The last frame of a side that cuts the other off: why, as JSON. */
  CUT: 12,
  /** Please derive a fact, and write it down: how many slices u32, slices as of a message, name in ASCII. */
  ASK: 13,
} as const;

export const MessageKind = {
  ONE_WAY: 0,
  REQUEST: 1,
  RESPONSE: 2,
  FAILURE: 3,
  /** Opens a stream, whose number is the correlation. */
  STREAM: 4,
  PIECE: 5,
  /** Ends a stream; early if it has a head, which says why. */
  END: 6,
} as const;

/**
 * Pieces of a stream that may be sent and not consumed, and bytes of them after which no piece may follow.
 */
export const STREAM_WINDOW_PIECES = 64;
export const STREAM_WINDOW_BYTES = 4 * 1024 ** 2;

/** Bytes of a MESSAGE frame's body before its head. */
export const MESSAGE_FIXED_BYTES = 16;
export const SLICE_BYTES = 16;

const NO_BYTES = Buffer.alloc(0);
const ENDLESS = { isOver: false };

/** One frame as it came, in the bytes that were read. Only valid during the call that delivers it. */
export class Frame {
  type = 0;
  flags = 0;
  /** Where its body lies. */
  bytes: Buffer = NO_BYTES;
  start = 0;
  end = 0;

  /** Its body; a view. */
  get body(): Buffer {
    return this.bytes.subarray(this.start, this.end);
  }

  get length(): number {
    return this.end - this.start;
  }
}

/** Gathers frames into buffers to be written, so that a tick's frames cost one system call. */
export class FrameWriter {
  #buffer = Buffer.allocUnsafe(0);
  #start = 0;
  #end = 0;

  /** Bytes that {@link take} would return. */
  get size(): number {
    return this.#end - this.#start;
  }

  /** Starts a frame and returns where its body of `length` bytes is to be written: `buffer` from `at` on. */
  frame(type: number, flags: number, length: number): { buffer: Buffer; at: number } {
    const needed = HEADER_BYTES + length;
    if (this.#end + needed > this.#buffer.length) this.#makeRoom(needed);
    const buffer = this.#buffer;
    const at = this.#end;
    buffer.writeUInt32LE(length, at);
    buffer[at + 4] = type;
    buffer[at + 5] = flags;
    buffer.writeUInt16LE(0, at + 6);
    this.#end = at + needed;
    return { buffer, at: at + HEADER_BYTES };
  }

  /** The bytes of all frames since the last call. They are not touched again. */
  take(): Buffer {
    const bytes = this.#buffer.subarray(this.#start, this.#end);
    this.#start = this.#end;
    return bytes;
  }

  #makeRoom(needed: number): void {
    const pending = this.#buffer.subarray(this.#start, this.#end);
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(64 * 1024, 2 * (pending.length + needed)));
    pending.copy(this.#buffer);
    this.#start = 0;
    this.#end = pending.length;
  }
}

/** Bytes of frames that are delivered between two questions whether the turn is over. */
const UNASKED_BYTES = 1024;
/** As many bytes more a frame counts, however short it is. */
const FRAME_COST_BYTES = 96;

/** Cuts a byte stream into frames. */
export class FrameReader {
  /** Room for the beginning of a frame whose end has not come, and how much of it is filled. */
  #held: Buffer = NO_BYTES;
  #filled = 0;
  /** Bytes that have to be there before it is worth looking again: none when a frame waits. */
  #wanted = HEADER_BYTES;
  /** The one that is delivered, again and again. */
  readonly #frame = new Frame();

  /**
   * Delivers each frame that is complete by now. Copies only what a frame's end in a later read leaves over:
   * each of these bytes once, and once more a doubling of the room, however few come at a time.
   * @param turn asked before the first frame and before some of the others: when it is over a frame waits for
   *   the next call, and what follows
   * @returns false when complete frames wait
   * @throws ERR_IOLITE_PROTOCOL for a frame that is larger than any may be; what `deliver` throws. A frame
   *   whose delivery throws {@link Postponed} is delivered anew by the next call, with all that follows it
   */
  push(
    bytes: Buffer,
    deliver: (frame: Frame) => void,
    turn: { readonly isOver: boolean } = ENDLESS,
  ): boolean {
    if (this.#filled === 0) return this.#deliver(bytes, deliver, turn);
    this.#hold(bytes);
    if (this.#filled < this.#wanted) return true;
    const input = this.#held.subarray(0, this.#filled);
    this.#filled = 0;
    this.#held = NO_BYTES;
    return this.#deliver(input, deliver, turn);
  }

  #deliver(input: Buffer, deliver: (frame: Frame) => void, turn: { readonly isOver: boolean }): boolean {
    try {
      this.#hold(input.subarray(this.#cut(input, deliver, turn)));
      return this.#wanted > 0;
    } catch (error) {
      if (error instanceof Postponed) this.#hold(input.subarray(this.#frame.start - HEADER_BYTES));
      throw error;
    }
  }

  /** Puts bytes behind those held. */
  #hold(bytes: Buffer): void {
    if (bytes.length === 0) return;
    const needed = this.#filled + bytes.length;
    if (needed > this.#held.length) {
      const room = Buffer.allocUnsafe(Math.max(needed, 2 * this.#filled));
      this.#held.copy(room, 0, 0, this.#filled);
      this.#held = room;
    }
    this.#filled += bytes.copy(this.#held, this.#filled);
  }

  /**
   * Delivers the frames at the start of `input`, until the turn is over. @returns where the first one begins
   * that was not delivered
   */
  #cut(input: Buffer, deliver: (frame: Frame) => void, turn: { readonly isOver: boolean }): number {
    let at = 0;
    let unasked = UNASKED_BYTES;
    for (;;) {
      this.#wanted = HEADER_BYTES;
      if (input.length - at < HEADER_BYTES) return at;
      const length = input.readUInt32LE(at);
      if (input.readUInt16LE(at + 6) !== 0) throw protocolError('a frame has bits set that are zero');
      if (length > MAX_FRAME_BYTES) {
        throw protocolError(`a frame of ${length} bytes was announced, ${MAX_FRAME_BYTES} is the most`);
      }
      this.#wanted = HEADER_BYTES + length;
      if (input.length - at < this.#wanted) return at;
      unasked += FRAME_COST_BYTES + length;
      if (unasked > UNASKED_BYTES) {
        unasked = 0;
        if (turn.isOver) {
          this.#wanted = 0;
          return at;
        }
      }
      const frame = this.#frame;
      frame.type = input[at + 4] as number;
      frame.flags = input[at + 5] as number;
      frame.bytes = input;
      frame.start = at + HEADER_BYTES;
      at += this.#wanted;
      frame.end = at;
      deliver(frame);
    }
  }
}

/** Thrown for a frame that nothing can be done about yet, nor was: it is to be delivered again. */
export class Postponed extends Error {
  /** Why it has to wait. */
  declare readonly cause: Error;

  constructor(cause: Error) {
    super(`A frame has to wait: ${cause.message}`, { cause });
  }
}

/** The error of a peer that does not keep to the protocol. */
export function protocolError(what: string): IoliteError {
  return new IoliteError('ERR_IOLITE_PROTOCOL', `The peer broke the protocol: ${what}`);
}

/** Throws unless a frame's body has the length its type demands. */
export function checkLength(frame: Frame, length: number): void {
  if (frame.length !== length) {
    throw protocolError(`a frame of type ${frame.type} has ${frame.length} bytes, ${length} are wanted`);
  }
}
