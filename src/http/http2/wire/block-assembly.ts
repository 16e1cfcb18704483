import { ConnectionFault, REASON } from './frame.ts';

/** Frames that a block may have behind its first: as many as nghttp2 takes. */
const MOST_CONTINUATIONS = 8;
/** Bytes of a block. What they decode to is bounded elsewhere. */
const MAX_BLOCK_BYTES = 128 * 1024;

/** A block of fields that comes in several frames, until it is complete. */
export class BlockAssembly {
  readonly stream: number;
  /** Of the first frame. */
  readonly flags: number;
  /** When it began, by the clock of the server. */
  readonly since: number;
  readonly #parts: Buffer[] = [];
  #bytes = 0;

  constructor(stream: number, flags: number, since: number) {
    this.stream = stream;
    this.flags = flags;
    this.since = since;
  }

  /** @param bytes copied. @throws ConnectionFault when there are too many */
  add(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#bytes > MAX_BLOCK_BYTES || this.#parts.length > MOST_CONTINUATIONS)
      throw new ConnectionFault(REASON.calm);
    this.#parts.push(Buffer.from(bytes));
  }

  whole(): Buffer {
    return Buffer.concat(this.#parts);
  }
}
