import type { Socket } from 'node:net';
import { ignore } from '../../base/ignore.ts';
import { descriptorOf, startReading } from '../../os/node-socket.ts';
import { receiveNow } from '../../os/socket.ts';
import { isStream, releaseBody } from '../message/body.ts';
import type { Answer } from '../message/exchange.ts';
import type { BegunAnswer, Opening } from './answer-before-socket.ts';
import { parseRequest } from './grammar.ts';
import { LaneExchange, type LaneOutcome, type OutcomeWaiter } from './lane-exchange.ts';
import type { Lane, LaneLimits, LaneMember } from './lane-host.ts';
import { LaneReader, type ReaderHost } from './lane-reader.ts';
import { LaneSending } from './lane-sending.ts';
import type { Unsent } from './outbox.ts';
import { type PreparedAnswer, prepareOutcome } from './prepared-answer.ts';

/** Answers to pipelined requests leave together up to this size. */
const BATCH_BYTES = 256 * 1024;
/** Bytes of later requests that are kept while an answer is awaited or sent: the size of one read. */
const MAX_WAITING_BYTES = 64 * 1024;

const NOTHING = Buffer.alloc(0);

/** What a connection is doing: see {@link LaneConnection}. */
type State = 'idle' | 'answering' | 'sending' | 'lingering' | 'over';

/**
 * A connection in the fast lane. Its requests are answered one after the other, at once where the handler
 * can. Nothing is kept of it between requests: a head that did not come whole is for node:http to wait for.
 *
 * | state | what happens | next |
 * |---|---|---|
 * | `idle`: waits for a request | one comes whose answer is at hand, and the socket takes it | `idle` |
 * | | the socket takes a part | `sending` |
 * | | the answer is to come, or its body in pieces | `answering` |
 * | | bytes come that are no request for the lane, or the handler declines | `over`, handed over |
 * | | it took too long, or {@link finish} | `over`; `lingering` |
 * | `answering`: later requests wait | the answer is there and sent | `idle` |
 * | | the socket takes a part | `sending` |
 * | | the handler declines | `over`, handed over |
 * | | the client is gone, and the handler has left off | `over` |
 * | `sending`: later requests wait | the client has taken all | `idle` |
 * | | it stalls, or is gone | `over` |
 * | `lingering`: after the last answer | the client ends its side, or it took too long | `over` |
 *
 * From `idle`, the last answer leads to `over` if the client wanted it to be the last, else to `lingering`.
 *
 * From the third request on {@link LaneReader} reads by a second socket, into memory that all connections
 * share.
 */
export class LaneConnection implements LaneMember, OutcomeWaiter, ReaderHost {
  readonly #lane: Lane;
  readonly #socket: Socket;
  readonly #fd: number;
  readonly #sending: LaneSending;
  readonly #reader: LaneReader;
  #state: State = 'idle';
  /** Who wants the next answer to be the last, if somebody does. */
  #lastWantedBy: 'server' | 'client' | undefined;
  /** Whether the client has ended its side. */
  #clientEnded = false;
  /** Whether a request was answered: a connection that brings another is worth a second socket. */
  #isProven = false;
  /** Bytes behind the request that is being answered. */
  #waiting: Buffer | undefined;
  /** The request that a handler is answering. */
  #exchange: LaneExchange | undefined;
  /** When it last came to rest or made progress, by the lane's clock. */
  #since: number;

  constructor(lane: Lane, socket: Socket) {
    this.#lane = lane;
    this.#socket = socket;
    this.#fd = descriptorOf(socket);
    this.#since = lane.clock;
    const { outbox, listener } = lane;
    const moved = (): void => {
      this.#since = lane.clock;
    };
    this.#sending = new LaneSending({ socket, fd: this.#fd, outbox, listener, moved });
    this.#reader = new LaneReader(socket, this.#fd, lane.memo.buffer, this);
    // Asked for now, Node knows it when the connection is closed, too.
    if (listener !== undefined) void socket.remoteAddress;
  }

  /**
   * Begins with what is there to read: mostly the first request is, and then Node need not be asked to wait
   * for it.
   * @param opening its first request, if it was read before there was a socket
   * @returns false if the connection is done with already
   */
  start(opening: Opening | undefined): boolean {
    if (opening?.begun !== undefined) {
      this.#listen();
      this.#finishAnswer(opening.begun);
      return true;
    }
    const count = receiveNow(this.#fd, this.#lane.memo.buffer);
    const readOn = opening === undefined ? count === 0 || this.filled(count) : this.#resume(opening, count);
    if (this.#state === 'over') return false;
    this.#listen();
    if (readOn) this.#socket.resume();
    return true;
  }

  check({ head, idle, stall }: LaneLimits): void {
    if (this.#sending.hasProgressed()) this.#since = this.#lane.clock;
    const { isUnderway } = this.#sending;
    // How long a handler may take is for the handler to say.
    if (this.#isBusy && !isUnderway) return;
    const limit = isUnderway ? stall : this.#isProven ? idle : head;
    if (this.#lane.clock - this.#since > limit) this.#destroy();
  }

  finish(): void {
    this.#lastWantedBy ??= 'server';
    if (this.#state === 'idle') this.#linger();
  }

  /** Whether further requests wait. */
  get #isBusy(): boolean {
    return this.#state === 'answering' || this.#state === 'sending';
  }

  #listen(): void {
    this.#reader.listen();
    this.#socket.on('error', ignore);
    this.#socket.on('close', this.#onClose);
  }

  // For the reader

  filled(count: number): boolean {
    const { memo } = this.#lane;
    const parsed = this.#state === 'idle' ? memo.recall(count) : undefined;
    if (parsed === undefined) return this.#take(memo.buffer.subarray(0, count));
    if (this.#isOver()) return false;
    this.#sending.caughtUp();
    this.#sending.begin();
    const exchange = new LaneExchange(this.#lane, parsed, this.#socket);
    this.#takeOnly(exchange, exchange.ask(), memo.buffer, count);
    return !this.#sending.isUnderway;
  }

  /** Goes on with a request that was put to the handler before there was a socket; it is read only now. */
  #resume({ exchange, outcome }: Opening, count: number): boolean {
    this.#sending.begin();
    // Without the request to be read the connection is broken; with more behind it, that is left.
    this.#takeOnly(exchange, outcome, this.#lane.memo.buffer, count);
    if (count < exchange.parsed.length) this.#destroy();
    return !this.#sending.isUnderway;
  }

  /** Goes on with the only request that is there. @param bytes of which the first `count` are the request */
  #takeOnly(exchange: LaneExchange, outcome: LaneOutcome | undefined, bytes: Buffer, count: number): void {
    if (isAtHand(outcome) && count === exchange.parsed.length) {
      this.#sending.add(exchange, this.#prepare(exchange, outcome));
      this.#sendQueued(NOTHING, this.#rest);
    } else if (outcome === 'declined') {
      this.#handOver(bytes.subarray(0, count));
    } else {
      if (outcome !== undefined) exchange.postpone(outcome);
      this.#wait(exchange, bytes, count);
    }
  }

  received(bytes: Buffer): boolean {
    const wasProven = this.#isProven;
    const readOn = this.#take(bytes);
    if (wasProven && this.#state === 'idle') this.#useSecondSocket();
    return readOn;
  }

  ended(): void {
    this.#clientEnded = true;
    // A client that closes and one that ends its side look the same: it gets what is there, and no more.
    this.#exchange?.giveUp();
    if (this.#sending.giveUp()) this.#destroy();
    else if (!this.#isBusy) this.#socket.destroySoon();
  }

  failed(): void {
    this.#destroy();
  }

  #useSecondSocket(): void {
    if (this.#lastWantedBy === undefined) this.#reader.useSecond();
  }

  /** @param bytes valid during the call only. @returns whether to read on */
  #take(bytes: Buffer): boolean {
    if (this.#isOver()) return false;
    if (this.#state === 'lingering') return true;
    if (!this.#isBusy) {
      this.#sending.caughtUp();
      this.#takeAll(bytes);
      return !this.#sending.isUnderway;
    }
    this.#waiting = this.#waiting === undefined ? Buffer.from(bytes) : Buffer.concat([this.#waiting, bytes]);
    return this.#waiting.length < MAX_WAITING_BYTES;
  }

  /** Answers the requests in some bytes, as far as that goes without waiting. */
  readonly #takeAll = (bytes: Buffer): void => {
    this.#sending.begin();
    let at = 0;
    while (at < bytes.length && this.#lastWantedBy === undefined) {
      const parsed = parseRequest(bytes, at);
      const exchange = parsed && new LaneExchange(this.#lane, parsed, this.#socket);
      const outcome = exchange?.ask();
      if (exchange === undefined || outcome === 'declined') {
        this.#sendQueued(bytes.subarray(at), this.#handOver);
        return;
      }
      if (!isAtHand(outcome)) {
        if (outcome !== undefined) exchange.postpone(outcome);
        this.#exchange = exchange;
        this.#sendQueued(bytes.subarray(at), rest => this.#wait(exchange, rest, rest.length));
        return;
      }
      this.#sending.add(exchange, this.#prepare(exchange, outcome));
      at += exchange.parsed.length;
      if (this.#lane.outbox.size > BATCH_BYTES && at < bytes.length) {
        this.#sendQueued(bytes.subarray(at), this.#takeAll);
        return;
      }
    }
    this.#sendQueued(bytes.subarray(at), this.#rest);
  };

  #prepare(exchange: LaneExchange, answer: Answer): PreparedAnswer {
    if (exchange.parsed.close) this.#lastWantedBy = 'client';
    else if (this.#lane.closing) this.#lastWantedBy ??= 'server';
    return prepareOutcome(exchange, answer, this.#lastWantedBy !== undefined);
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
    this.#state = 'sending';
    this.#sending.finish(left).then(
      () => this.#goOn(rest, then),
      () => this.#destroy(),
    );
  }

  /** Sends the rest of its only answer. */
  #finishAnswer(begun: BegunAnswer): void {
    this.#lastWantedBy = 'client';
    this.#sending.addBegun(begun);
    this.#sendLeft(begun.left, NOTHING, this.#rest);
  }

  /** What was waited for is done: goes on with the bytes behind it. */
  #goOn(rest: Buffer, then: (rest: Buffer) => void): void {
    if (this.#isOver()) return;
    const wasProven = this.#isProven;
    this.#state = 'idle';
    const later = this.#waiting;
    this.#waiting = undefined;
    then(later === undefined ? rest : Buffer.concat([rest, later]));
    if (this.#isBusy || this.#isOver()) return;
    if (wasProven) this.#useSecondSocket();
    this.#reader.resume();
  }

  /** Nothing is left to do: waits for the next request, or ends. @param unread bytes that get no answer */
  readonly #rest = (unread: Buffer): void => {
    this.#isProven = true;
    this.#since = this.#lane.clock;
    // A client that asked for the end has nothing more to say: what the kernel has taken it delivers.
    if (this.#lastWantedBy === 'client' && unread.length === 0) this.#destroy();
    else if (this.#lastWantedBy !== undefined || this.#clientEnded) this.#linger();
  };

  readonly #takeRest = (bytes: Buffer): void => {
    if (bytes.length > 0) this.#takeAll(bytes);
    else this.#rest(bytes);
  };

  /**
   * Waits for the answer to a request. @param bytes of which the first `length` are it and what came behind
   */
  #wait(exchange: LaneExchange, bytes: Buffer, length: number): void {
    this.#state = 'answering';
    this.#exchange = exchange;
    exchange.wait(this, bytes, length);
  }

  // For the exchange that waits

  settled(exchange: LaneExchange, outcome: LaneOutcome): void {
    if (this.#exchange === exchange) this.#exchange = undefined;
    if (outcome === 'declined') this.#goOn(exchange.bytes, this.#handOver);
    else if (outcome === 'abandoned') this.#destroy();
    else this.#sendAnswer(exchange, outcome);
  }

  hinted(hints: Buffer): void {
    if (!this.#isOver()) this.#socket.write(hints);
  }

  /** Sends an answer that was waited for, then goes on. */
  #sendAnswer(exchange: LaneExchange, answer: Answer): void {
    if (this.#isOver()) {
      releaseBody(answer.body);
      return;
    }
    const { rest } = exchange;
    const prepared = this.#prepare(exchange, answer);
    // Hints may be with Node's socket still.
    if (isStream(prepared.body) || this.#socket.writableLength > 0) {
      this.#sending.sendParts(exchange, prepared).then(
        () => this.#goOn(rest, this.#takeRest),
        () => this.#destroy(),
      );
      return;
    }
    this.#sending.add(exchange, prepared);
    const left = this.#sending.send();
    if (left === undefined) this.#goOn(rest, this.#takeRest);
    else this.#sendLeft(left, rest, this.#takeRest);
  }

  /** Gives the connection to node:http, with bytes it has not seen. */
  readonly #handOver = (bytes: Buffer): void => {
    const socket = this.#socket;
    if (socket.readableEnded || socket.destroyed) {
      this.#destroy();
      return;
    }
    this.#leave();
    this.#reader.leave();
    socket.off('error', ignore);
    socket.off('close', this.#onClose);
    // The bytes may be in memory that is read into again.
    if (bytes.length > 0) socket.unshift(Buffer.from(bytes));
    this.#lane.handOver(socket);
    startReading(socket);
  };

  /**
   * Ends our side, and drops what still comes until the peer ends its own: to close a socket with unread
   * bytes resets the connection, and the peer may lose the answer (RFC 9112, 9.6).
   */
  #linger(): void {
    this.#lastWantedBy ??= 'server';
    this.#state = 'lingering';
    if (this.#clientEnded) {
      this.#socket.destroySoon();
      return;
    }
    this.#socket.end();
    this.#reader.resume();
  }

  /** Once Node has closed the socket, before it says so, its descriptor may be another connection's. */
  #isOver(): boolean {
    if (this.#socket.destroyed) this.#leave();
    return this.#state === 'over';
  }

  #destroy(): void {
    this.#leave();
    this.#socket.destroy();
  }

  #leave(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#reader.close();
    this.#exchange?.dispose();
    this.#sending.giveUp();
    this.#lane.ended(this);
  }

  readonly #onClose = (): void => this.#leave();
}

/** Whether a handler has answered, with a body that is whole. */
function isAtHand(outcome: LaneOutcome | undefined): outcome is Answer {
  return typeof outcome === 'object' && !isStream(outcome.body);
}
