import { Socket } from 'node:net';
import { duplicateDescriptor } from '../../os/descriptor.ts';
import { descriptorOf, startReading, stopReading } from '../../os/node-socket.ts';
import { receiveNow } from '../../os/socket.ts';
import type { Answer } from '../message/exchange.ts';
import type { Begun } from './answer-before-socket.ts';
import { hintsHead } from './answer-head.ts';
import { type ParsedRequest, parseRequest } from './grammar.ts';
import type { Lane, LaneLimits } from './lane-host.ts';
import { LaneRequest } from './lane-request.ts';
import { LaneSending } from './lane-sending.ts';
import type { Unsent } from './outbox.ts';
import { type Asker, Asking } from './pending-answer.ts';
import { failure, isStream, type PreparedAnswer, prepareAnswer, releaseBody } from './prepared-answer.ts';

/** Answers to pipelined requests leave together up to this size. */
const BATCH = 256 * 1024;
/** Bytes of later requests that are kept while an answer is awaited or sent: the size of one read. */
const MAX_WAITING = 64 * 1024;

const NOTHING = Buffer.alloc(0);

/**
 * A connection in the fast lane. Its requests are answered one after the other, at once where the handler
 * can. Nothing is kept of it between requests: a head that did not come whole is for node:http to wait for.
 *
 * The first requests are read as they come. For those that follow a second socket over the same connection
 * reads, into memory that all connections share; the first one stays as it was, to be handed over at any
 * time.
 */
export class LaneConnection implements Asker {
  readonly #lane: Lane;
  readonly #socket: Socket;
  readonly #fd: number;
  readonly #sending: LaneSending;
  #reader: Socket | undefined;
  /** An answer is awaited or being sent: further requests wait. */
  #busy = false;
  #over = false;
  /** The next answer is the last. */
  #closing = false;
  /** Whether it is the client that wants it so. */
  #peerCloses = false;
  #lingering = false;
  /** Bytes behind the request that is being answered. */
  #waiting: Buffer | undefined;
  /** Whether the peer has ended its side. */
  #peerEnded = false;
  /** The request that somebody is answering. */
  #asking: Asking | undefined;
  #answered = false;
  /** When it last came to rest or made progress, by the lane's clock. */
  #since: number;

  constructor(lane: Lane, socket: Socket) {
    this.#lane = lane;
    this.#socket = socket;
    this.#fd = descriptorOf(socket);
    this.#since = lane.clock;
    const { outbox, answered } = lane;
    const moved = (): void => {
      this.#since = lane.clock;
    };
    this.#sending = new LaneSending({ socket, fd: this.#fd, outbox, answered, moved });
    // Asked for now, Node knows it when the connection is closed, too.
    if (answered !== undefined) void socket.remoteAddress;
  }

  /**
   * Begins with what is there to read: mostly the first request is, and then Node need not be asked to wait
   * for it.
   * @returns false if the connection is done with already
   */
  start(): boolean {
    const socket = this.#socket;
    const count = receiveNow(this.#fd, this.#lane.memo.buffer);
    const readOn = count === 0 || this.#read(count);
    if (this.#over) return false;
    this.#listen();
    if (readOn) socket.resume();
    return true;
  }

  /** Sends the rest of its only answer. */
  finishAnswer({ request, status, head, length, left }: Begun): void {
    this.#listen();
    this.#closing = true;
    this.#peerCloses = true;
    this.#sending.addBegun(request, status, head, length);
    this.#sendLeft(left, NOTHING, rest => this.#rest(rest.length));
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', ignore);
    socket.on('close', this.#onClose);
  }

  /** Called once a second: ends it if it took too long. */
  check({ head, idle, stall }: LaneLimits): void {
    if (this.#sending.hasProgressed()) this.#since = this.#lane.clock;
    const { isUnderway } = this.#sending;
    // How long a handler may take is for the handler to say.
    if (this.#busy && !isUnderway) return;
    const limit = isUnderway ? stall : this.#answered ? idle : head;
    if (this.#lane.clock - this.#since > limit) this.#destroy();
  }

  /** Ends it when the answer under way, if there is one, is sent. */
  finish(): void {
    this.#closing = true;
    if (!this.#busy && !this.#lingering) this.#linger();
  }

  readonly #onData = (bytes: Buffer): void => {
    const isLater = this.#answered;
    if (!this.#received(bytes)) stopReading(this.#socket);
    if (isLater && !this.#busy && !this.#over) this.#readBySecondSocket();
  };

  #readBySecondSocket(): void {
    if (this.#reader !== undefined || this.#closing) return;
    let fd: number;
    try {
      fd = duplicateDescriptor(this.#fd);
    } catch {
      return; // Too many descriptors are open: it goes on as it did.
    }
    this.#socket.off('data', this.#onData);
    stopReading(this.#socket);
    const { buffer } = this.#lane.memo;
    const callback = (count: number): boolean => this.#read(count);
    const options = { fd, readable: true, writable: false, onread: { buffer, callback } };
    this.#reader = new Socket(options);
    this.#reader.on('end', this.#onEnd);
    this.#reader.on('error', () => this.#destroy());
    this.#reader.resume();
  }

  /** The first `count` bytes of the common buffer came. @returns whether to read on */
  #read(count: number): boolean {
    const { memo } = this.#lane;
    const parsed = this.#busy || this.#lingering ? undefined : memo.recall(count);
    if (parsed === undefined) return this.#received(memo.buffer.subarray(0, count));
    if (this.#isOver()) return false;
    this.#sending.caughtUp();
    this.#sending.begin();
    const request = new LaneRequest(parsed, this.#socket);
    const answer = this.#answerNow(request);
    if (answer === undefined || isStream(answer.body)) {
      this.#answerLater(request, parsed, answer, memo.buffer, count);
    } else {
      this.#sending.add(request, this.#prepare(parsed, answer));
      this.#sendQueued(NOTHING, rest => this.#rest(rest.length));
    }
    return !this.#sending.isUnderway;
  }

  /** @param bytes valid during the call only. @returns whether to read on */
  #received(bytes: Buffer): boolean {
    if (this.#isOver()) return false;
    if (this.#lingering) return true;
    if (!this.#busy) {
      this.#sending.caughtUp();
      this.#take(bytes);
      return !this.#sending.isUnderway;
    }
    this.#waiting = this.#waiting === undefined ? Buffer.from(bytes) : Buffer.concat([this.#waiting, bytes]);
    return this.#waiting.length < MAX_WAITING;
  }

  /** Answers the requests in some bytes, as far as that goes without waiting. */
  #take(bytes: Buffer): void {
    this.#sending.begin();
    let at = 0;
    while (at < bytes.length && !this.#closing) {
      const parsed = parseRequest(bytes, at);
      if (parsed === undefined) {
        this.#sendQueued(bytes.subarray(at), rest => this.#handOver(rest));
        return;
      }
      const request = new LaneRequest(parsed, this.#socket);
      const answer = this.#answerNow(request);
      if (answer === undefined || isStream(answer.body)) {
        this.#sendQueued(bytes.subarray(at), rest =>
          this.#answerLater(request, parsed, answer, rest, rest.length),
        );
        return;
      }
      this.#sending.add(request, this.#prepare(parsed, answer));
      at += parsed.length;
      if (this.#lane.outbox.size > BATCH && at < bytes.length) {
        this.#sendQueued(bytes.subarray(at), rest => this.#take(rest));
        return;
      }
    }
    this.#sendQueued(bytes.subarray(at), rest => this.#rest(rest.length));
  }

  #answerNow(request: LaneRequest): Answer | undefined {
    try {
      return this.#lane.handler.answerNow?.(request);
    } catch {
      this.#closing = true;
      return failure();
    }
  }

  #prepare(parsed: ParsedRequest, answer: Answer): PreparedAnswer {
    if (parsed.close) this.#peerCloses = true;
    if (parsed.close || this.#lane.closing) this.#closing = true;
    try {
      return prepareAnswer(parsed.method, answer, this.#closing);
    } catch {
      // It cannot be sent, which is a bug of the handler's.
      this.#closing = true;
      return prepareAnswer(parsed.method, failure(), true);
    }
  }

  /** Sends what is queued, then goes on. @param bytes that are left of those that came */
  #sendQueued(bytes: Buffer, then: (rest: Buffer) => void): void {
    const left = this.#sending.send();
    if (left === undefined) then(bytes);
    else this.#sendLeft(left, bytes, then);
  }

  /** Sends what the socket had no room for, then goes on. @param bytes that are left of those that came */
  #sendLeft(left: Unsent, bytes: Buffer, then: (rest: Buffer) => void): void {
    const rest = Buffer.from(bytes);
    this.#busy = true;
    this.#sending.finish(left).then(
      () => this.#goOn(rest, then),
      () => this.#destroy(),
    );
  }

  /** What was waited for is done: goes on with the bytes behind it. */
  #goOn(rest: Buffer, then: (rest: Buffer) => void): void {
    const isLater = this.#answered;
    this.#busy = false;
    this.#asking = undefined;
    if (this.#isOver()) return;
    const later = this.#waiting;
    this.#waiting = undefined;
    then(later === undefined ? rest : Buffer.concat([rest, later]));
    if (this.#busy || this.#over) return;
    if (isLater) this.#readBySecondSocket();
    this.#readOn();
  }

  /**
   * Nothing is left to do: waits for the next request, or ends. @param unread bytes of requests that get no
   * answer
   */
  #rest(unread: number): void {
    this.#answered = true;
    this.#since = this.#lane.clock;
    // A client that asked for the end has nothing more to say: what the kernel has taken it delivers.
    if (this.#closing && this.#peerCloses && unread === 0) this.#destroy();
    else if (this.#closing || this.#peerEnded) this.#linger();
  }

  #readOn(): void {
    if (this.#reader !== undefined) this.#reader.resume();
    else startReading(this.#socket);
  }

  /**
   * Answers a request that takes time.
   * @param answer if it is at hand, and its body is a stream
   * @param bytes of which the first `length` are the request and what came behind it
   */
  #answerLater(
    request: LaneRequest,
    parsed: ParsedRequest,
    answer: Answer | undefined,
    bytes: Buffer,
    length: number,
  ): void {
    this.#busy = true;
    const asking = new Asking(this, request, parsed, bytes, length);
    if (answer !== undefined) {
      this.#sendAnswer(asking, answer);
      return;
    }
    this.#asking = asking;
    asking.ask(this.#lane.handler, bytes, length);
  }

  // For what is asked

  answered(asking: Asking, answer: Answer, isFailure: boolean): void {
    if (isFailure) this.#closing = true;
    this.#sendAnswer(asking, answer);
  }

  declined(bytes: Buffer): void {
    this.#goOn(bytes, whole => this.#handOver(whole));
  }

  givenUp(): void {
    this.#destroy();
  }

  hinted(links: readonly string[]): void {
    if (!this.#isOver()) this.#socket.write(hintsHead(links));
  }

  /** Sends an answer that was waited for, then goes on. */
  #sendAnswer({ request, parsed, rest }: Asking, answer: Answer): void {
    if (this.#isOver()) {
      releaseBody(answer.body);
      return;
    }
    const prepared = this.#prepare(parsed, answer);
    // Hints may be with Node's socket still.
    if (isStream(prepared.body) || this.#socket.writableLength > 0) {
      this.#sending.sendParts(request, prepared).then(
        () => this.#goOn(rest, this.#takeRest),
        () => this.#destroy(),
      );
      return;
    }
    this.#sending.add(request, prepared);
    const left = this.#sending.send();
    if (left === undefined) this.#goOn(rest, this.#takeRest);
    else this.#sendLeft(left, rest, this.#takeRest);
  }

  readonly #takeRest = (bytes: Buffer): void => {
    if (bytes.length > 0) this.#take(bytes);
    else this.#rest(0);
  };

  /** Gives the connection to node:http, with bytes it has not seen. */
  #handOver(bytes: Buffer): void {
    const socket = this.#socket;
    if (socket.readableEnded || socket.destroyed) {
      this.#destroy();
      return;
    }
    this.#leave();
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('error', ignore);
    socket.off('close', this.#onClose);
    // The bytes may be in memory that is read into again.
    if (bytes.length > 0) socket.unshift(Buffer.from(bytes));
    this.#lane.handOver(socket);
    startReading(socket);
  }

  /**
   * Ends our side, and drops what still comes until the peer ends its own: to close a socket with unread
   * bytes resets the connection, and the peer may lose the answer (RFC 9112, 9.6).
   */
  #linger(): void {
    this.#closing = true;
    this.#lingering = true;
    if (this.#peerEnded) {
      this.#socket.destroySoon();
      return;
    }
    this.#socket.end();
    this.#readOn();
  }

  /** Once Node has closed the socket, before it says so, its descriptor may be another connection's. */
  #isOver(): boolean {
    if (this.#socket.destroyed) this.#leave();
    return this.#over;
  }

  #destroy(): void {
    this.#leave();
    this.#socket.destroy();
  }

  #leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.#reader?.destroy();
    this.#asking?.giveUp();
    this.#sending.giveUp();
    this.#lane.ended(this);
  }

  readonly #onEnd = (): void => {
    this.#peerEnded = true;
    // A client that closes and one that ends its side look the same: it gets what is there, and no more.
    this.#asking?.giveUp();
    if (this.#sending.giveUp()) this.#destroy();
    else if (!this.#busy) this.#socket.destroySoon();
  };

  readonly #onClose = (): void => this.#leave();
}

function ignore(): void {}
