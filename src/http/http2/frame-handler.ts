import { COST, type FloodGuard } from './flood-guard.ts';
import type { BlockFault, HeadReader } from './head-reader.ts';
import type { Http2Stream } from './http2-stream.ts';
import { areTrailers, type Http2Head, priorityOf } from './request-head.ts';
import type { StreamTable } from './stream-table.ts';
import type { Uploads } from './uploads.ts';
import { BlockAssembly } from './wire/block-assembly.ts';
import { ConnectionFault, FLAG, FRAME, MAX_WINDOW_BYTES, REASON } from './wire/frame.ts';
import type { FrameHost } from './wire/frame-cutter.ts';
import type { PeerSettings } from './wire/peer-settings.ts';

/** What frames come to. */
export interface MeaningHost {
  readonly isOver: boolean;
  /** In seconds. */
  readonly clock: number;
  readonly streams: StreamTable;
  readonly heads: HeadReader;
  readonly settings: PeerSettings;
  readonly guard: FloodGuard;
  readonly uploads: Uploads;
  /** A request came, of a stream that is new. @param isComplete whether it has no body */
  request(id: number, head: Http2Head | BlockFault, isComplete: boolean): void;
  /** A part of a request's body came. */
  data(stream: Http2Stream, bytes: Buffer, isEnd: boolean): void;
  /** The client wants nothing more of a stream. */
  dropped(stream: Http2Stream): void;
  /** A stream is ended by us. */
  reset(id: number, reason: number): void;
  /** The client has told its settings. @param growth of the windows of all streams */
  settled(growth: number): void;
  /** The client takes more: of a stream, or of all. */
  grown(stream: Http2Stream | undefined, bytes: number): void;
  pinged(bytes: Buffer, start: number): void;
  ponged(): void;
  /** The client will begin no more streams. */
  left(): void;
}

const PING_BYTES = 8;
const PRIORITY_BYTES = 5;

/**
 * Reads the frames of a connection as RFC 9113, 6 has them: what breaks the protocol ends the stream or the
 * connection, as it says there.
 */
export class FrameHandler implements FrameHost {
  readonly #host: MeaningHost;
  #hasSettings = false;
  /** A block of fields that is not complete. */
  #assembly: BlockAssembly | undefined;

  constructor(host: MeaningHost) {
    this.#host = host;
  }

  get isOver(): boolean {
    return this.#host.isOver;
  }

  /** Whether the client has said what it begins with. */
  get hasSettings(): boolean {
    return this.#hasSettings;
  }

  /** When a block of fields began that is not complete, by the clock; undefined if there is none. */
  get waitsSince(): number | undefined {
    return this.#assembly?.since;
  }

  frame(kind: number, flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    if (this.#assembly !== undefined) {
      if (kind !== FRAME.continuation || stream !== this.#assembly.stream) breach();
      this.#continue(this.#assembly, flags, bytes, start, end);
      return;
    }
    if (!this.#hasSettings && (kind !== FRAME.settings || (flags & FLAG.ack) !== 0)) breach();
    switch (kind) {
      case FRAME.headers:
        this.#headers(flags, stream, bytes, start, end);
        return;
      case FRAME.data:
        this.#data(flags, stream, bytes, start, end);
        return;
      case FRAME.windowUpdate:
        this.#windowUpdate(stream, bytes, start, end);
        return;
      case FRAME.reset:
        this.#reset(stream, end - start);
        return;
      case FRAME.settings:
        this.#settings(flags, stream, bytes, start, end);
        return;
      case FRAME.ping:
        this.#ping(flags, stream, bytes, start, end);
        return;
      case FRAME.goaway:
        if (stream !== 0) breach();
        if (end - start < 8) breach(REASON.frameSize);
        this.#host.left();
        return;
      case FRAME.priority:
        this.#priority(stream, bytes, start, end);
        return;
      case FRAME.priorityUpdate:
        this.#priorityUpdate(stream, bytes, start, end);
        return;
      case FRAME.push:
      case FRAME.continuation:
        breach();
        return;
      default:
        this.#spend(COST.frame);
    }
  }

  #headers(flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    if ((stream & 1) === 0) breach();
    let from = start;
    let to = end;
    if ((flags & FLAG.padded) !== 0) {
      if (from >= end) breach(REASON.frameSize);
      to -= bytes[from] as number;
      from += 1;
    }
    let isWrong = false;
    if ((flags & FLAG.priority) !== 0) {
      if (from + PRIORITY_BYTES > end) breach(REASON.frameSize);
      isWrong = dependencyAt(bytes, from) === stream;
      from += PRIORITY_BYTES;
    }
    if (from > to) breach();
    if (isWrong) breach();
    if ((flags & FLAG.endHeaders) !== 0) {
      this.#block(flags, stream, bytes, from, to);
      return;
    }
    this.#assembly = new BlockAssembly(stream, flags, this.#host.clock);
    this.#assembly.add(bytes.subarray(from, to));
  }

  #continue(assembly: BlockAssembly, flags: number, bytes: Buffer, start: number, end: number): void {
    assembly.add(bytes.subarray(start, end));
    if ((flags & FLAG.endHeaders) === 0) return;
    this.#assembly = undefined;
    const whole = assembly.whole();
    this.#block(assembly.flags, assembly.stream, whole, 0, whole.length);
  }

  /** A block of fields is complete. */
  #block(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const { streams, heads } = this.#host;
    const isEnd = (flags & FLAG.endStream) !== 0;
    if (id > streams.last) {
      streams.last = id;
      this.#host.request(id, heads.head(bytes, start, end), isEnd);
      return;
    }
    // Whatever becomes of it, the decoder has to see it.
    const list = heads.fields(bytes, start, end);
    const stream = streams.get(id);
    if (stream === undefined) {
      if (!streams.wasReset(id)) breach(REASON.streamClosed);
      this.#spend(COST.frame);
    } else if (stream.isComplete) {
      this.#resetFor(id, REASON.streamClosed);
    } else if (!isEnd || list === undefined || !areTrailers(list)) {
      this.#resetFor(id, REASON.protocol);
    } else {
      this.#host.data(stream, NOTHING, true);
    }
  }

  #data(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const { streams, uploads } = this.#host;
    if (streams.isIdle(id)) breach();
    let from = start;
    let to = end;
    if ((flags & FLAG.padded) !== 0) {
      if (from >= end) breach(REASON.frameSize);
      to -= bytes[from] as number;
      from += 1;
      if (from > to) breach();
    }
    uploads.came(end - start);
    const isEnd = (flags & FLAG.endStream) !== 0;
    const stream = streams.get(id);
    if (from === to && !isEnd) this.#spend(COST.frame);
    if (stream === undefined) {
      this.#spend(COST.frame);
      if (!streams.wasReset(id)) this.#resetFor(id, REASON.streamClosed);
    } else if (stream.isComplete) {
      this.#resetFor(id, REASON.streamClosed);
    } else {
      stream.uploadWindow -= end - start;
      // Padding is read by being there.
      if (end - start > to - from) uploads.taken(stream, end - start - (to - from));
      if (stream.uploadWindow < 0) this.#resetFor(id, REASON.flowControl);
      else this.#host.data(stream, bytes.subarray(from, to), isEnd);
    }
  }

  #windowUpdate(id: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) breach(REASON.frameSize);
    const { streams } = this.#host;
    const growth = bytes.readUInt32BE(start) & 0x7fff_ffff;
    this.#spend(COST.frame);
    if (id === 0) {
      if (growth === 0) breach();
      this.#host.grown(undefined, growth);
      return;
    }
    if (streams.isIdle(id)) breach();
    const stream = streams.get(id);
    if (stream === undefined) return;
    if (growth === 0) this.#resetFor(id, REASON.protocol);
    else if (stream.window + growth > MAX_WINDOW_BYTES) this.#resetFor(id, REASON.flowControl);
    else this.#host.grown(stream, growth);
  }

  #reset(id: number, length: number): void {
    if (length !== 4) breach(REASON.frameSize);
    const { streams } = this.#host;
    if (streams.isIdle(id)) breach();
    const stream = streams.get(id);
    this.#spend(stream === undefined ? COST.frame : COST.reset);
    if (stream !== undefined && !this.isOver) this.#host.dropped(stream);
  }

  #settings(flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    if (stream !== 0) breach();
    if ((flags & FLAG.ack) !== 0) {
      if (start !== end) breach(REASON.frameSize);
      this.#spend(COST.frame);
      return;
    }
    const { settings } = this.#host;
    const before = settings.initialWindow;
    this.#spend(COST.frame + settings.read(bytes, start, end));
    this.#hasSettings = true;
    this.#host.settled(settings.initialWindow - before);
  }

  #ping(flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    if (stream !== 0) breach();
    if (end - start !== PING_BYTES) breach(REASON.frameSize);
    this.#spend(COST.frame);
    if ((flags & FLAG.ack) !== 0) this.#host.ponged();
    else this.#host.pinged(bytes, start);
  }

  /** Nobody goes by it any more (RFC 9113, 5.3.2). */
  #priority(stream: number, bytes: Buffer, start: number, end: number): void {
    if (stream === 0) breach();
    if (end - start !== PRIORITY_BYTES) {
      if (this.#host.streams.isIdle(stream)) breach(REASON.frameSize);
      this.#resetFor(stream, REASON.frameSize);
      return;
    }
    if (dependencyAt(bytes, start) === stream) breach();
    this.#spend(COST.frame);
  }

  /** RFC 9218, 7.1. */
  #priorityUpdate(id: number, bytes: Buffer, start: number, end: number): void {
    if (id !== 0) breach();
    if (end - start < 4) breach(REASON.frameSize);
    const about = bytes.readUInt32BE(start) & 0x7fff_ffff;
    if (about === 0) breach();
    this.#spend(COST.frame);
    const stream = this.#host.streams.get(about);
    if (stream !== undefined) stream.priority = priorityOf(bytes.toString('latin1', start + 4, end));
  }

  #resetFor(id: number, reason: number): void {
    this.#spend(COST.reset);
    this.#host.reset(id, reason);
  }

  #spend(points: number): void {
    if (!this.#host.guard.spend(points, this.#host.clock)) breach(REASON.calm);
  }
}

const NOTHING = Buffer.alloc(0);

function dependencyAt(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) & 0x7fff_ffff;
}

/** The connection has to end. */
function breach(reason: number = REASON.protocol): never {
  throw new ConnectionFault(reason);
}
