import type { ByteLink, ByteLinkHost } from '../../network/byte-link.ts';
import { releaseBody } from '../message/body.ts';
import type { Answer } from '../message/exchange.ts';
import { statusAnswer } from '../message/status-answer.ts';
import { interimBlock } from './answer-block.ts';
import { COST, FloodGuard } from './flood-guard.ts';
import { FrameHandler, type MeaningHost } from './frame-handler.ts';
import { type BlockFault, HeadReader } from './head-reader.ts';
import type { Http2Host, Http2Limits, Http2Member } from './http2-host.ts';
import { Http2Requests, MAX_STREAMS } from './http2-requests.ts';
import type { Http2Stream, StreamHost } from './http2-stream.ts';
import type { Http2Head } from './request-head.ts';
import { type Http2SendingHost, Sending } from './sending.ts';
import { StreamTable } from './stream-table.ts';
import { Uploads } from './uploads.ts';
import { ConnectionFault, FIRST_WINDOW_BYTES, FLAG, FRAME, MAX_WINDOW_BYTES, REASON } from './wire/frame.ts';
import { FrameCutter } from './wire/frame-cutter.ts';
import { ownSettings, PeerSettings } from './wire/peer-settings.ts';

/** Seconds for which what still comes is dropped after the end, so that the client reads why it came. */
const LINGER_SECONDS = 2;
/** Seconds for which a client may go on with a request that is answered. */
const LAST_SECONDS = 1;
const OUR_PING = Buffer.from('iolite\0\0');
const CONTINUE = interimBlock(100, []) as Buffer;
const NOTHING = Buffer.alloc(0);

/** What a connection is doing: see {@link Http2Connection}. */
type State = 'open' | 'leaving' | 'lingering' | 'over';

/**
 * A connection of HTTP/2.
 *
 * | state | what happens | next |
 * |---|---|---|
 * | `open`: takes requests | {@link finish}, or it is idle for too long: the client is told | `leaving` |
 * | | the client breaks the protocol, or does too much for nothing: it is told | `lingering` |
 * | `leaving`: takes what was on its way | all is answered | `lingering` |
 * | `lingering`: what comes is dropped | the client ends its side, or it took too long | `over` |
 * | any | the client is gone, or does not take what is sent in time | `over` |
 */
export class Http2Connection implements ByteLinkHost, MeaningHost, StreamHost, Http2SendingHost, Http2Member {
  readonly host: Http2Host;
  readonly remoteAddress: string | undefined;
  readonly streams = new StreamTable();
  readonly heads: HeadReader;
  readonly settings = new PeerSettings();
  readonly guard: FloodGuard;
  readonly uploads: Uploads;
  readonly #link: ByteLink;
  readonly #handler = new FrameHandler(this);
  readonly #frames = new FrameCutter(this.#handler);
  readonly #sending: Sending;
  readonly #requests: Http2Requests;
  #state: State = 'open';
  /** Whether the end of our side was sent, and whether the client has ended its own. */
  #isEnded = false;
  #clientEnded = false;
  /** Streams beyond are not answered: the client was told so. */
  #lastTaken = MAX_WINDOW_BYTES;
  /** By the clock: when it came to rest, or into its state; when the link had nothing unsent. */
  #since: number;
  #freeSince: number;

  constructor(host: Http2Host, link: ByteLink) {
    this.host = host;
    this.#link = link;
    // Asked for now, it is known when the connection is closed, too.
    this.remoteAddress = link.remoteAddress;
    this.heads = new HeadReader(host.maxHeaderSize, host.known);
    this.uploads = new Uploads(host.output);
    this.guard = new FloodGuard(host.clock);
    this.#sending = new Sending(this, link, host.output);
    this.#requests = new Http2Requests(this, this.#sending);
    this.#since = host.clock;
    this.#freeSince = host.clock;
  }

  /** Says what a server says first. Call it once, before anything comes. */
  start(): void {
    this.#act(() => {
      const settings = ownSettings(MAX_STREAMS, this.host.maxHeaderSize);
      this.host.output.control(FRAME.settings, 0, settings);
      this.uploads.open();
    });
    if (this.host.closing) this.finish();
  }

  get isOver(): boolean {
    return this.#state === 'lingering' || this.#state === 'over';
  }

  get clock(): number {
    return this.host.clock;
  }

  // For the link

  received(bytes: Buffer): boolean {
    if (this.isOver) return this.#state === 'lingering';
    const { output } = this.host;
    if (output.owner !== undefined) {
      // Within a call of another connection's, which is not how links are to be read.
      const own = Buffer.from(bytes);
      queueMicrotask(() => this.received(own));
      return true;
    }
    output.owner = this;
    try {
      this.#requests.begin();
      this.#read(bytes);
    } finally {
      this.#leaveOutput();
    }
    return this.#state !== 'over';
  }

  ended(): void {
    // A client that has ended its side tells no more which bytes it takes.
    if (this.#state === 'lingering' && this.#link.hasUnsent) this.#clientEnded = true;
    else this.#lose();
  }

  drained(): void {
    this.#freeSince = this.clock;
    if (this.#clientEnded) this.#lose();
    else this.goOn();
  }

  lost(): void {
    this.#lose();
  }

  // For the server

  check({ head, request, idle, stall }: Http2Limits): void {
    const waited = this.clock - this.#since;
    const { waitsSince } = this.#handler;
    if (!this.#link.hasUnsent) this.#freeSince = this.clock;
    if (this.clock - this.#freeSince > stall) this.#lose();
    else if (this.#state === 'lingering') {
      if (waited > LINGER_SECONDS && !this.#link.hasUnsent) this.#lose();
    } else if (!this.#handler.hasSettings) {
      if (waited > head) this.#lose();
    } else if (waitsSince !== undefined && this.clock - waitsSince > head) {
      this.#act(() => this.#fail(REASON.calm));
    } else if (this.streams.size > 0 || this.#state === 'leaving') {
      if (this.#state === 'leaving' && waited > LINGER_SECONDS) this.#act(() => this.ponged());
      this.#checkStreams(request, stall);
    } else if (waited > idle) {
      this.finish();
    }
  }

  finish(): void {
    if (this.#state !== 'open') return;
    this.#enter('leaving');
    // What is on its way is taken until the client has read that there should be no more.
    this.#act(() => {
      this.host.output.goaway(MAX_WINDOW_BYTES, REASON.none);
      this.host.output.control(FRAME.ping, 0, OUR_PING);
    });
  }

  // For the frames

  request(id: number, head: Http2Head | BlockFault, isComplete: boolean): void {
    if (id > this.#lastTaken) return;
    if (this.#state === 'open') this.#since = this.clock;
    const reason = this.#requests.take(id, head, isComplete);
    if (reason === undefined) return;
    this.#spend(COST.reset);
    this.reset(id, reason);
  }

  data(stream: Http2Stream, bytes: Buffer, isEnd: boolean): void {
    this.guard.moved(bytes.length);
    if (!this.uploads.data(stream, bytes, isEnd)) {
      this.#spend(COST.reset);
      this.reset(stream.id, REASON.protocol);
    } else if (stream.isSent) {
      if (isEnd) this.#over(stream);
      else if (stream.uploadWindow < FIRST_WINDOW_BYTES / 2) this.#enough(stream);
    }
  }

  dropped(stream: Http2Stream): void {
    this.#over(stream);
  }

  reset(id: number, reason: number): void {
    this.host.output.numberFrame(FRAME.reset, id, reason);
    this.streams.noteReset(id);
    const stream = this.streams.get(id);
    if (stream !== undefined) this.#over(stream);
  }

  settled(growth: number): void {
    if (this.settings.hasSmallTable) {
      this.settings.hasSmallTable = false;
      this.#sending.emptyTable();
    }
    if (growth !== 0) {
      for (const stream of this.streams.all()) {
        stream.window += growth;
        if (stream.window > MAX_WINDOW_BYTES) throw new ConnectionFault(REASON.flowControl);
        this.#sending.ready(stream);
      }
    }
    this.host.output.control(FRAME.settings, FLAG.ack, NOTHING);
  }

  grown(stream: Http2Stream | undefined, bytes: number): void {
    if (stream !== undefined) {
      stream.window += bytes;
      this.#sending.ready(stream);
      return;
    }
    this.#sending.window += bytes;
    if (this.#sending.window > MAX_WINDOW_BYTES) throw new ConnectionFault(REASON.flowControl);
    this.#sending.grow();
  }

  pinged(bytes: Buffer, start: number): void {
    this.host.output.control(FRAME.ping, FLAG.ack, bytes.subarray(start, start + OUR_PING.length));
  }

  /** The client has read that there should be no more requests: those that it knows of then are the last. */
  ponged(): void {
    if (this.#state !== 'leaving' || this.#lastTaken !== MAX_WINDOW_BYTES) return;
    this.#lastTaken = this.streams.last;
    this.host.output.goaway(this.#lastTaken, REASON.none);
    this.#endIfDone();
  }

  left(): void {
    this.#spend(COST.frame);
    if (this.#state === 'open') this.#enter('leaving');
    this.#lastTaken = Math.min(this.#lastTaken, this.streams.last);
    this.#endIfDone();
  }

  // For the streams

  answeredLate(stream: Http2Stream, answer: Answer): void {
    const { owner } = this.host.output;
    if (stream.isOver) releaseBody(answer.body);
    else if (owner !== undefined && owner !== this) queueMicrotask(() => this.answeredLate(stream, answer));
    else
      this.#act(() => {
        stream.send(stream.prepare(answer));
        this.#sending.ready(stream);
      });
  }

  hinted(stream: Http2Stream, block: Buffer): void {
    this.#act(() => {
      if (stream.isPending) this.#sending.block(stream.id, 0, block);
    });
  }

  pieceCame(stream: Http2Stream): void {
    this.#act(() => this.#sending.ready(stream));
  }

  broken(stream: Http2Stream): void {
    this.#act(() => {
      if (!stream.isOver) this.reset(stream.id, REASON.internal);
    });
  }

  bodyWanted(stream: Http2Stream): void {
    this.#act(() => {
      if (stream.isOver) return;
      if (stream.expectsContinue) this.#sending.block(stream.id, 0, CONTINUE);
      this.uploads.wanted(stream);
    });
  }

  bodyTaken(stream: Http2Stream, bytes: number): void {
    if (stream.isComplete) return;
    this.#act(() => {
      if (!stream.isOver) this.uploads.taken(stream, bytes);
    });
  }

  // For the sending

  sent(stream: Http2Stream): void {
    this.guard.answered();
    if (stream.isComplete) return this.#over(stream);
    this.#tell(stream);
    stream.sent();
  }

  moved(stream: Http2Stream, bytes: number): void {
    this.guard.moved(bytes);
    stream.since = this.clock;
  }

  goOn(): void {
    if (this.#state !== 'over') this.#act(nothing);
  }

  #read(bytes: Buffer): void {
    try {
      this.#frames.read(bytes);
    } catch (error) {
      if (!(error instanceof ConnectionFault)) throw error;
      this.#fail(error.reason);
    }
  }

  #checkStreams(request: number, stall: number): void {
    for (const stream of [...this.streams.all()]) {
      const isLate = !stream.isComplete && this.clock - stream.begun > request;
      const isStalled =
        stream.isReplying &&
        (stream.outgoing?.available ?? 0) > 0 &&
        (stream.window <= 0 || this.#sending.window <= 0) &&
        this.clock - stream.since > stall;
      const isEnough = stream.isSent && this.clock - stream.since > LAST_SECONDS;
      if (isEnough) this.#act(() => this.#enough(stream));
      else if (isStalled) this.#act(() => this.reset(stream.id, REASON.cancel));
      else if (isLate && stream.isPending) stream.answerInstead(statusAnswer(408));
      else if (isLate) this.#act(() => this.reset(stream.id, REASON.cancel));
    }
  }

  /** It is answered, and the client still sends: it need not (RFC 9113, 8.1). Most have sent all by then. */
  #enough(stream: Http2Stream): void {
    this.reset(stream.id, REASON.none);
  }

  #tell(stream: Http2Stream): void {
    this.host.reports?.tell(stream, stream.status, stream.sentBytes, stream.startedAt, false);
  }

  /** The way of a stream has ended. */
  #over(stream: Http2Stream): void {
    if (stream.isOver) return;
    if (stream.isReplying) this.#tell(stream);
    this.streams.remove(stream.id);
    this.uploads.ended(stream);
    stream.end();
    if (this.#state === 'open') this.#since = this.clock;
    this.#endIfDone();
  }

  #spend(points: number): void {
    if (!this.guard.spend(points, this.clock)) throw new ConnectionFault(REASON.calm);
  }

  /** The client has broken the protocol: it is told, and the connection ends. */
  #fail(reason: number): void {
    this.host.output.goaway(this.streams.last, reason);
    this.#enter('lingering');
    this.#endStreams();
  }

  #endIfDone(): void {
    if (this.#state !== 'leaving' || this.#lastTaken === MAX_WINDOW_BYTES || this.streams.size > 0) return;
    this.#enter('lingering');
  }

  #endStreams(): void {
    for (const stream of [...this.streams.all()]) this.#over(stream);
  }

  #enter(state: State): void {
    if (this.#state === 'over') return;
    this.#state = state;
    this.#since = this.clock;
  }

  /** Does something that may put frames into the output, now or as soon as it is nobody else's. */
  #act(action: () => void): void {
    if (this.#state === 'over') return;
    const { output } = this.host;
    if (output.owner === this) {
      action();
      return;
    }
    if (output.owner !== undefined) {
      queueMicrotask(() => this.#act(action));
      return;
    }
    output.owner = this;
    try {
      action();
    } finally {
      this.#leaveOutput();
    }
  }

  #leaveOutput(): void {
    const { output } = this.host;
    const wasOver = this.#state === 'over';
    try {
      if (wasOver) output.drop();
      else this.#sending.flush();
    } finally {
      output.owner = undefined;
    }
    if (this.#state === 'lingering' && !this.#isEnded) {
      this.#isEnded = true;
      this.#link.end();
    }
  }

  #lose(): void {
    if (this.#state === 'over') return;
    this.#enter('over');
    this.#endStreams();
    this.#link.close();
    this.host.ended(this);
  }
}

const nothing = (): void => {};
