import { isStream, releaseBody } from '../message/body.ts';
import type { Answer, ServerRequest } from '../message/exchange.ts';
import { loopTurn } from '../message/loop-turn.ts';
import { statusAnswer } from '../message/status-answer.ts';
import { ConnectionLife } from './connection-life.ts';
import { isCutOff, mayHaveBody, type ParsedRequest } from './grammar.ts';
import { isAtHand, LaneExchange, type LaneOutcome, type OutcomeWaiter } from './lane-exchange.ts';
import type { LaneLink } from './lane-link.ts';
import type { Unsent } from './outbox.ts';
import { type PreparedAnswer, prepareOutcome } from './prepared-answer.ts';
import type { RepeatedAnswers } from './repeated-answers.ts';
import type { ConnectionBodies } from './upload/connection-bodies.ts';

/** Answers to pipelined requests leave together up to this size. */
const BATCH_BYTES = 256 * 1024;
/**
 * Pipelined requests that are answered before it is the turn of others, if these take no longer. As many as
 * one read brings would be a thousand; at 32 the turns cost less than can be measured.
 */
const TURN_REQUESTS = 32;
/** Bytes of later requests that are kept while an answer is awaited or sent: the size of one read. */
const MAX_WAITING_BYTES = 64 * 1024;

const NOTHING = Buffer.alloc(0);

/** What follows when all is sent that was put together. @param rest bytes that are left of those that came */
type Step = (connection: LaneConnection, rest: Buffer) => void;

/**
 * A connection in the fast lane. Its requests are answered one after the other, at once where the handler
 * can. Nothing is kept of it between requests: a head that did not come whole is for node:http to wait for.
 *
 * It has no socket of Node's but where something waits for the client to take it, or it is handed over:
 * {@link LaneLink}, of which there are bare ones and those with TLS. There are thousands of these objects,
 * which the garbage collector walks: they have no closures of their own.
 */
export class LaneConnection extends ConnectionLife implements OutcomeWaiter {
  /**
   * Begins with what is there to read: mostly the first request is, and then libuv need not be asked to wait
   * for it. A client that wants no more than one answer gets it here.
   * @returns false if the connection is done with already
   */
  start(): boolean {
    const count = this.link.receive(this.lane.memo.buffer);
    const readOn = count === 0 || this.filled(count);
    if (this.isOver) return false;
    this.link.keep(this.lane.memo.buffer);
    if (this.isProven || this.bodiesSoFar?.intake.isOpen === true) this.link.share();
    if (readOn) this.link.resume();
    return true;
  }

  // For the link

  filled(count: number, into?: Buffer): boolean {
    const { memo } = this.lane;
    const bodies = this.bodiesSoFar;
    if (bodies?.current !== undefined || into !== undefined) {
      const readOn = this.#takeBody(
        bodies as ConnectionBodies,
        (into ?? memo.buffer).subarray(0, count),
        into,
      );
      bodies?.intake.settle();
      return readOn;
    }
    if (mayHaveBody(memo.buffer, 0)) return this.#take(memo.buffer.subarray(0, count));
    if (this.state === 'idle' && this.#repeat(count)) return this.readsOn;
    const parsed = this.state === 'idle' ? memo.recall(count) : undefined;
    if (parsed === undefined) return this.#take(memo.buffer.subarray(0, count));
    if (this.isOver) return false;
    this.sending.caughtUp();
    this.sending.begin();
    const exchange = new LaneExchange(this.lane, parsed, this.link);
    const outcome = exchange.ask();
    if (isAtHand(outcome)) {
      const prepared = this.#prepare(exchange, outcome);
      const { repeatable } = exchange;
      // What stands for an answer that cannot be sent is not the handler's.
      if (repeatable !== undefined && prepared.status === outcome.status && this.lastWantedBy === undefined)
        this.lane.repeated?.keep(count, prepared, repeatable);
      this.sending.add(exchange, prepared);
      this.#sendQueued(NOTHING, LaneConnection.#rest);
    } else if (outcome === 'declined') {
      LaneConnection.#handOver(this, memo.buffer.subarray(0, count));
    } else {
      if (outcome !== undefined) exchange.postpone(outcome);
      exchange.keep(memo.buffer, 0, count);
      this.#wait(exchange, NOTHING);
    }
    return this.readsOn;
  }

  /**
   * Answers the request that the first bytes of the buffer are as it was answered before, if that is still
   * right and no connection is to end with it. Nobody is asked, and next to nothing is made.
   * @returns whether it did
   */
  #repeat(count: number): boolean {
    const { repeated, closing } = this.lane;
    if (repeated === undefined || closing || this.lastWantedBy !== undefined) return false;
    if (!this.lane.mayRepeat) return false;
    if (this.link.isBroken || !repeated.recall(count)) return false;
    this.sending.caughtUp();
    if (!this.sending.mayRepeat(repeated)) return false;
    this.sending.begin();
    const left = this.sending.sendRepeated(repeated);
    if (left === undefined) LaneConnection.#rest(this, NOTHING);
    else this.#sendLeft(left, NOTHING, LaneConnection.#rest);
    return true;
  }

  // For the sending

  requestOfRepeated(): ServerRequest {
    const { memo, repeated } = this.lane;
    const parsed = memo.recall((repeated as RepeatedAnswers).requestBytes) as ParsedRequest;
    return new LaneExchange(this.lane, parsed, this.link);
  }

  // For the bodies

  malformed(): void {
    this.refuse(400);
  }

  /** Bytes came of a body, or into a room for one. @returns whether to read on */
  #takeBody(bodies: ConnectionBodies, bytes: Buffer, into: Buffer | undefined): boolean {
    if (this.isOver) return false;
    const used = bodies.take(bytes, into !== undefined);
    if (used === -1) this.refuse(400);
    if (used === -1 || used === bytes.length) return bodies.current?.wantsMore ?? this.readsOn;
    const rest = used === undefined && into !== undefined ? Buffer.from(bytes) : bytes.subarray(used);
    if (this.state !== 'draining') return this.#take(rest);
    this.#drain(bodies, rest);
    return this.readsOn;
  }

  /** Drops what is left of a body, and goes on with what is behind it; or ends if that is long. */
  #drain(bodies: ConnectionBodies, bytes: Buffer): void {
    if (this.state !== 'draining') this.since = this.lane.clock;
    this.state = 'idle';
    const used = bodies.drop(bytes);
    if (used !== -1 && bodies.current === undefined) LaneConnection.#takeRest(this, bytes.subarray(used));
    else if (used === -1 || this.lastWantedBy !== undefined || this.clientEnded) this.linger();
    else {
      this.isProven = true;
      this.state = 'draining';
    }
  }

  /** The body of a request is none, or takes too long: its answer is the last. */
  protected refuse(status: number): void {
    const exchange = this.exchange;
    const isAnswering = this.state === 'answering' && !this.sending.isUnderway;
    this.bodiesSoFar?.current?.fail();
    if (exchange === undefined || !isAnswering) {
      this.destroy();
      return;
    }
    this.exchange = undefined;
    exchange.abandon();
    this.lastWantedBy = 'server';
    this.#sendAnswer(exchange, statusAnswer(status));
  }

  /** @param bytes valid during the call only. @returns whether to read on */
  #take(bytes: Buffer): boolean {
    if (this.isOver) return false;
    if (this.state === 'lingering') return true;
    if (!this.isBusy) {
      this.sending.caughtUp();
      this.#takeAll(bytes);
      return this.readsOn;
    }
    this.waiting = this.waiting === undefined ? Buffer.from(bytes) : Buffer.concat([this.waiting, bytes]);
    return this.waiting.length < MAX_WAITING_BYTES;
  }

  /** Answers the requests in some bytes, as far as that goes without waiting, and it is its turn. */
  #takeAll(bytes: Buffer): void {
    this.sending.begin();
    let at = 0;
    for (let count = 1; at < bytes.length && this.lastWantedBy === undefined; count++) {
      const parsed = this.lane.memo.parse(bytes, at, this.lane.uploads !== undefined);
      if (parsed === undefined && (at > 0 || this.isProven) && isCutOff(bytes, at)) {
        this.#sendQueued(bytes.subarray(at), LaneConnection.#readRest);
        return;
      }
      const exchange = parsed && new LaneExchange(this.lane, parsed, this.link);
      const outcome = exchange?.askBefore(bytes.subarray(at + exchange.parsed.length), this);
      if (exchange === undefined || outcome === 'declined') {
        this.bodiesSoFar?.leave();
        this.#sendQueued(bytes.subarray(at), LaneConnection.#handOver);
        return;
      }
      if (!isAtHand(outcome)) {
        if (outcome !== undefined) exchange.postpone(outcome);
        this.exchange = exchange;
        exchange.keep(bytes, at, bytes.length);
        this.#sendQueued(NOTHING, LaneConnection.#waitForExchange);
        return;
      }
      this.sending.add(exchange, this.#prepare(exchange, outcome));
      at += exchange.length;
      if (this.bodiesSoFar?.current !== undefined) {
        this.#sendQueued(bytes.subarray(at), LaneConnection.#takeRest);
        return;
      }
      if (at === bytes.length) break;
      if (count === TURN_REQUESTS || this.lane.outbox.size > BATCH_BYTES || loopTurn.isOver) {
        this.#sendQueued(bytes.subarray(at), LaneConnection.#pause);
        return;
      }
    }
    this.#sendQueued(bytes.subarray(at), LaneConnection.#rest);
  }

  #prepare(exchange: LaneExchange, answer: Answer): PreparedAnswer {
    // An answer of pieces may be made of the body, which is not read before these are.
    const isLast = !isStream(answer.body) && exchange.upload?.endsConnection === true;
    if (exchange.parsed.close) this.lastWantedBy = 'client';
    else if (this.lane.closing || isLast) this.lastWantedBy ??= 'server';
    return prepareOutcome(exchange, answer, this.lastWantedBy !== undefined);
  }

  /** Sends what is queued, then goes on. @param bytes that are left of those that came */
  #sendQueued(bytes: Buffer, then: Step): void {
    const left = this.sending.send();
    if (left === undefined) then(this, bytes);
    else this.#sendLeft(left, bytes, then);
  }

  /** Sends what the socket had no room for, then goes on. @param bytes that are left of those that came */
  #sendLeft(left: Unsent, bytes: Buffer, then: Step): void {
    const rest = Buffer.from(bytes);
    this.state = 'sending';
    this.sending.finish(left).then(
      () => this.#goOn(rest, then),
      () => this.destroy(),
    );
  }

  /** What was waited for is done: goes on with the bytes behind it. */
  #goOn(rest: Buffer, then: Step): void {
    if (this.isOver) return;
    this.state = 'idle';
    const later = this.waiting;
    this.waiting = undefined;
    then(this, later === undefined ? rest : Buffer.concat([rest, later]));
    if (!this.isBusy && !this.isOver) this.link.resume();
  }

  /** Lets others have their turn. */
  static readonly #pause: Step = (connection, bytes) => {
    connection.state = 'pausing';
    connection.isProven = true;
    connection.link.pause();
    const { buffer } = connection.lane.memo;
    // Bytes that are its own need no copy: there may be many turns to them.
    const rest = bytes.buffer === buffer.buffer ? Buffer.from(bytes) : bytes;
    setImmediate(() => connection.#goOn(rest, LaneConnection.#takeRest));
  };

  /** Nothing is left to do: waits for the next request, or ends. @param unread bytes that get no answer */
  static readonly #rest: Step = (connection, unread) => {
    connection.isProven = true;
    connection.since = connection.lane.clock;
    // A client that asked for the end has nothing more to say: what the kernel has taken it delivers.
    if (connection.lastWantedBy === 'client' && unread.length === 0) connection.destroy();
    else if (connection.lastWantedBy !== undefined || connection.clientEnded) connection.linger();
    else connection.link.share();
  };

  /** A read has cut a request in two: the rest of it is there already, or node:http waits for it. */
  static readonly #readRest: Step = (connection, bytes) => {
    const { buffer } = connection.lane.memo;
    const begun = Buffer.from(bytes);
    const count = connection.link.receive(buffer);
    if (count === 0) LaneConnection.#handOver(connection, begun);
    else LaneConnection.#pause(connection, Buffer.concat([begun, buffer.subarray(0, count)]));
  };

  static readonly #takeRest: Step = (connection, bytes) => {
    if (connection.bodiesSoFar?.current !== undefined) connection.#drain(connection.bodiesSoFar, bytes);
    else if (bytes.length > 0) connection.#takeAll(bytes);
    else LaneConnection.#rest(connection, bytes);
  };

  static readonly #waitForExchange: Step = (connection, bytes) => {
    if (connection.exchange !== undefined) connection.#wait(connection.exchange, bytes);
  };

  /** Waits for the answer to a request. @param later bytes that came behind those that it keeps */
  #wait(exchange: LaneExchange, later: Buffer): void {
    this.state = 'answering';
    this.exchange = exchange;
    exchange.wait(this, later);
  }

  // For the exchange that waits

  settled(exchange: LaneExchange, outcome: LaneOutcome): void {
    if (this.exchange === exchange) this.exchange = undefined;
    if (outcome === 'declined' && exchange.upload?.isWaiting === false)
      this.#sendAnswer(exchange, statusAnswer(404));
    else if (outcome === 'declined') this.#goOn(exchange.bytes, LaneConnection.#handOver);
    else if (outcome === 'abandoned') this.destroy();
    else this.#sendAnswer(exchange, outcome);
  }

  hinted(hints: Buffer): void {
    if (!this.isOver) this.link.sendAhead(hints);
  }

  /** Sends an answer that was waited for, then goes on. */
  #sendAnswer(exchange: LaneExchange, answer: Answer): void {
    if (this.isOver) {
      releaseBody(answer.body);
      return;
    }
    const prepared = this.#prepare(exchange, answer);
    // Whoever makes an answer of pieces may do so of the body.
    if (!isStream(answer.body)) this.bodiesSoFar?.current?.drop();
    // Hints may be with Node's socket still.
    if (isStream(prepared.body) || this.link.hasUnsent) {
      this.sending.sendParts(exchange, prepared).then(
        () => this.#goOn(exchange.rest, LaneConnection.#takeRest),
        () => this.destroy(),
      );
      return;
    }
    this.sending.add(exchange, prepared);
    const left = this.sending.send();
    if (left === undefined) this.#goOn(exchange.rest, LaneConnection.#takeRest);
    else this.#sendLeft(left, exchange.rest, LaneConnection.#takeRest);
  }

  /** Gives the connection to node:http, with bytes it has not seen. */
  static readonly #handOver: Step = (connection, bytes) => {
    // The bytes may be in memory that is read into again.
    const unread = Buffer.from(bytes);
    connection.leave();
    connection.link.leaveTo(connection.lane, unread);
  };
}
