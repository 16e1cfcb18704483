import type { ByteLink } from '../../network/byte-link.ts';
import { EMPTY_TABLE } from './hpack/field-encoder.ts';
import type { Http2Stream } from './http2-stream.ts';
import type { OutgoingBody } from './outgoing-body.ts';
import { FIRST_WINDOW_BYTES, FLAG, FRAME, FRAME_BYTES, FRAME_HEAD_BYTES } from './wire/frame.ts';
import { type FrameOutput, WITHOUT } from './wire/frame-output.ts';

/** With less room in a step than this, the next frame waits for the next step. */
const LEAST_ROOM_BYTES = 2048;
/** Bytes sent in one turn of the event loop: others wait meanwhile. */
const TURN_BYTES = 1024 ** 2;
/** Fields of an answer, at most, that leave at once: others go by the queue. */
const MAX_BLOCK_BYTES = 8192;
const URGENCIES = 8;
/** More wait for the connection's window only if clients have left some of them. */
const MAX_STARVED_STREAMS = 200;
const NOTHING = Buffer.alloc(0);

/** Whose answers they are. */
export interface Http2SendingHost {
  /** Bytes of a stream's body are sent. */
  moved(stream: Http2Stream, bytes: number): void;
  /** All of a stream's answer is sent. */
  sent(stream: Http2Stream): void;
  /** The turn of this connection comes again: it is to call {@link Sending.flush}. */
  goOn(): void;
}

/**
 * What a connection sends, within the client's windows: the most urgent streams first, those that are equally
 * urgent a frame each in turn (RFC 9218, 10).
 */
export class Sending {
  /** Bytes that the client takes on all streams. */
  window = FIRST_WINDOW_BYTES;
  readonly #host: Http2SendingHost;
  readonly #link: ByteLink;
  readonly #output: FrameOutput;
  readonly #ready: (Http2Stream[] | undefined)[] = [];
  #readyCount = 0;
  #starved: Http2Stream[] = [];
  /** What the next block begins with. */
  #firstByte = WITHOUT;
  #hasTurn = false;

  constructor(host: Http2SendingHost, link: ByteLink, output: FrameOutput) {
    this.#host = host;
    this.#link = link;
    this.#output = output;
  }

  /** The client wants a smaller table than we might use: the next block tells it that we use none. */
  emptyTable(): void {
    this.#firstByte = EMPTY_TABLE;
  }

  /** Whether an answer of so many bytes, with a block of fields, may leave at once, as one frame each. */
  mayAnswer(blockBytes: number, bodyBytes: number, streamWindow: number): boolean {
    return (
      bodyBytes <= FRAME_BYTES &&
      bodyBytes <= streamWindow &&
      bodyBytes <= this.window &&
      blockBytes <= MAX_BLOCK_BYTES &&
      this.#output.room >= blockBytes + bodyBytes + LEAST_ROOM_BYTES &&
      this.#output.hasPlace(blockBytes + bodyBytes + LEAST_ROOM_BYTES) &&
      !this.#link.hasUnsent
    );
  }

  /** Puts a block of fields into the output. @param flags FLAG.endStream, or none */
  block(stream: number, flags: number, block: Buffer, last: Buffer = NOTHING): void {
    this.#output.block(stream, flags, this.#firstByte, block, last);
    this.#firstByte = WITHOUT;
  }

  /** The head of the one frame that a body is. */
  bodyHead(stream: number, bytes: number): void {
    this.#output.frameHead(bytes, FRAME.data, FLAG.endStream, stream);
    this.window -= bytes;
  }

  /** A stream may have something to send. */
  ready(stream: Http2Stream): void {
    if (stream.waiting !== 'nowhere' || stream.isOver || !stream.hasToSend) return;
    stream.waiting = 'ready';
    const { urgency } = stream.priority;
    const queue = this.#ready[urgency];
    if (queue === undefined) this.#ready[urgency] = [stream];
    else queue.push(stream);
    this.#readyCount += 1;
  }

  /** The client takes more on all streams. */
  grow(): void {
    const starved = this.#starved;
    if (starved.length === 0) return;
    this.#starved = [];
    for (const stream of starved) {
      stream.waiting = 'nowhere';
      this.ready(stream);
    }
  }

  /** Sends what is in the output, and of the streams as much as the link takes in this turn. */
  flush(): void {
    const output = this.#output;
    let left = TURN_BYTES;
    for (;;) {
      if (!this.#link.hasUnsent) this.#fill();
      const { size } = output;
      if (size === 0) return;
      left -= size;
      if (!output.sendBy(this.#link) || this.#readyCount === 0) return;
      if (left > 0) continue;
      this.#takeTurn();
      return;
    }
  }

  #takeTurn(): void {
    if (this.#hasTurn) return;
    this.#hasTurn = true;
    setImmediate(() => {
      this.#hasTurn = false;
      this.#host.goOn();
    });
  }

  #fill(): void {
    const output = this.#output;
    while (this.#readyCount > 0 && output.room >= LEAST_ROOM_BYTES) {
      const stream = this.#next();
      if (stream?.isOver === false) this.#step(stream);
    }
  }

  #next(): Http2Stream | undefined {
    for (let urgency = 0; urgency < URGENCIES; urgency++) {
      const stream = this.#ready[urgency]?.shift();
      if (stream === undefined) continue;
      this.#readyCount -= 1;
      stream.waiting = 'nowhere';
      return stream;
    }
    return undefined;
  }

  /** Sends the next frame or two of a stream. */
  #step(stream: Http2Stream): void {
    const { reply, outgoing } = stream;
    if (reply !== undefined) {
      stream.reply = undefined;
      this.block(stream.id, outgoing === undefined ? FLAG.endStream : 0, reply.block, reply.last);
      if (outgoing === undefined) {
        this.#host.sent(stream);
        return;
      }
    }
    if (outgoing === undefined) return;
    const { available } = outgoing;
    if (available === 0 && !outgoing.isLast) {
      outgoing.pull(stream);
      return;
    }
    const room = this.#output.room - FRAME_HEAD_BYTES;
    // A window may be below zero (RFC 9113, 6.9.2).
    const count = Math.max(0, Math.min(available, stream.window, this.window, FRAME_BYTES, room));
    if (available > 0 && count === 0) {
      this.#hold(stream, room);
      return;
    }
    this.#send(stream, count);
  }

  #send(stream: Http2Stream, count: number): void {
    const outgoing = stream.outgoing as OutgoingBody;
    const isEnd = outgoing.isLast && count === outgoing.available;
    this.#output.frameHead(count, FRAME.data, isEnd ? FLAG.endStream : 0, stream.id);
    if (count > 0) outgoing.put(count, this.#output);
    stream.window -= count;
    this.window -= count;
    stream.sentBytes += count;
    this.#host.moved(stream, count);
    if (isEnd) this.#host.sent(stream);
    else if (outgoing.available === 0) outgoing.pull(stream);
    else this.#again(stream);
  }

  /** A stream has more to send than a frame. */
  #again(stream: Http2Stream): void {
    const { urgency, isIncremental } = stream.priority;
    this.ready(stream);
    // Of an answer that is of no use in parts all is sent before the next one of the same urgency.
    if (isIncremental !== false) return;
    const queue = this.#ready[urgency] as Http2Stream[];
    if (queue.length > 1) queue.unshift(queue.pop() as Http2Stream);
  }

  #hold(stream: Http2Stream, room: number): void {
    if (stream.window <= 0) return;
    if (room <= 0) this.ready(stream);
    else {
      stream.waiting = 'starved';
      this.#starved.push(stream);
      if (this.#starved.length > MAX_STARVED_STREAMS)
        this.#starved = this.#starved.filter(({ isOver }) => !isOver);
    }
  }
}
