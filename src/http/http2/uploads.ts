import type { Http2Stream } from './http2-stream.ts';
import { ConnectionFault, FIRST_WINDOW_BYTES, FRAME, REASON } from './wire/frame.ts';
import type { FrameOutput } from './wire/frame-output.ts';

/** What may come on a connection before it is told that it came. */
const CONNECTION_BYTES = 1024 ** 2;
/** What may come of a body that is read before it is read. */
const READ_BYTES = 256 * 1024;
/** By so much, the windows of all bodies that are read may be larger than at first, on one connection. */
const MOST_EXTRA_BYTES = 2 * 1024 ** 2;

/**
 * How far the bodies of a connection's requests may run ahead of their readers. A body that nobody reads yet
 * waits with as much of it as the first window lets come, so it stands in no other's way; one that is read
 * has a larger window, as long as there are few.
 */
export class Uploads {
  readonly #output: FrameOutput;
  /** Bytes that may still come, and that came since the client was told that more may. */
  #window = FIRST_WINDOW_BYTES;
  #came = 0;
  #extra = 0;

  constructor(output: FrameOutput) {
    this.#output = output;
  }

  /** Call it once, when the output is ours. */
  open(): void {
    this.#output.numberFrame(FRAME.windowUpdate, 0, CONNECTION_BYTES - this.#window);
    this.#window = CONNECTION_BYTES;
  }

  /** So many bytes came, of whichever stream. @throws ConnectionFault */
  came(bytes: number): void {
    this.#window -= bytes;
    if (this.#window < 0) throw new ConnectionFault(REASON.flowControl);
    this.#came += bytes;
    if (this.#came < CONNECTION_BYTES / 2) return;
    this.#output.numberFrame(FRAME.windowUpdate, 0, this.#came);
    this.#window += this.#came;
    this.#came = 0;
  }

  /**
   * A part of a body came.
   * @returns whether it may be: a body is as long as its request says
   */
  data(stream: Http2Stream, bytes: Buffer, isEnd: boolean): boolean {
    stream.uploaded += bytes.length;
    const { contentLength } = stream.head;
    if (contentLength !== undefined) {
      if (stream.uploaded > contentLength || (isEnd && stream.uploaded < contentLength)) return false;
    }
    if (bytes.length > 0) stream.upload?.push(bytes);
    if (!isEnd) return true;
    stream.isComplete = true;
    stream.upload?.end();
    return true;
  }

  /** Somebody begins to read a body. */
  wanted(stream: Http2Stream): void {
    const extra = READ_BYTES - FIRST_WINDOW_BYTES;
    if (stream.isComplete || this.#extra + extra > MOST_EXTRA_BYTES) return;
    this.#extra += extra;
    stream.uploadExtra = extra;
    this.#grow(stream, extra);
  }

  /** So many bytes of a body were read. */
  taken(stream: Http2Stream, bytes: number): void {
    stream.uploadTaken += bytes;
    if (stream.isComplete || 2 * stream.uploadTaken < FIRST_WINDOW_BYTES + stream.uploadExtra) return;
    this.#grow(stream, stream.uploadTaken);
    stream.uploadTaken = 0;
  }

  /** It is over. */
  ended(stream: Http2Stream): void {
    this.#extra -= stream.uploadExtra;
    stream.uploadExtra = 0;
  }

  #grow(stream: Http2Stream, bytes: number): void {
    this.#output.numberFrame(FRAME.windowUpdate, stream.id, bytes);
    stream.uploadWindow += bytes;
  }
}
