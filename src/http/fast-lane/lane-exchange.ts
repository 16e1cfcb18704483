import type { Repeatable } from '../../base/repeatable.ts';
import { isStream, type RequestBody, releaseBody } from '../message/body.ts';
import type { Answer, PendingAnswer, Recipient, RequestNotes, ServerRequest } from '../message/exchange.ts';
import type { HeaderList } from '../message/header-list.ts';
import { wrongHandler } from '../message/promised-answer.ts';
import { statusAnswer } from '../message/status-answer.ts';
import { handlerFailure } from '../message/status-of-error.ts';
import { hintsHead, interimHead } from './answer-head.ts';
import type { ParsedRequest } from './grammar.ts';
import type { Lane } from './lane-host.ts';
import type { ConnectionBodies } from './upload/connection-bodies.ts';
import { LaneUpload } from './upload/lane-upload.ts';

/** What a handler says of a request: its answer, that others are to be asked, or that it has left off. */
export type LaneOutcome = Answer | 'declined' | 'abandoned';

/** Who waits for what a handler says. */
export interface OutcomeWaiter {
  /** Called once. */
  settled(exchange: LaneExchange, outcome: LaneOutcome): void;
  /** Hints go ahead of the answer: their bytes. */
  hinted(hints: Buffer): void;
}

/** Whom a request came from. */
export interface LaneClient {
  readonly secure: boolean;
  readonly remoteAddress?: string | undefined;
}

/** A connection that bodies come on. */
export interface BodyLine {
  readonly bodies: ConnectionBodies;
}

/** How far a request has come. */
type Stage =
  /** The handler is being asked. */
  | 'asked'
  /** It has not answered at once; nobody waits for it yet. */
  | 'pending'
  /** Its answer is there, and nobody has taken it yet. */
  | 'kept'
  /** Somebody waits for what it says. */
  | 'awaited'
  /** What it said was taken. What comes now is dropped. */
  | 'settled';

const NOTHING = Buffer.alloc(0);
const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');

/** What an exchange has besides if its answer is to come. */
class Delay {
  /** The request and what came behind it, or, once its body is read, that alone. */
  bytes: Buffer = NOTHING;
  /** How many bytes of these are its head. */
  headBytes = 0;
  /** What the handler gave to give it up by. */
  pending: PendingAnswer | undefined = undefined;
  waiter: OutcomeWaiter | undefined = undefined;
  /** Hints, which may have come before they could be sent: answers to earlier requests go first. */
  hints: Buffer | undefined = undefined;
  isGivenUp = false;
}

/**
 * A request of the fast lane as handlers see it, and what becomes of it, from the question to the handler
 * until that has said what it has to say, which it may do once.
 *
 *     asked    -> settled   the handler says at once what it has to say
 *     asked    -> pending   it does not
 *     settled  -> kept      postpone(): what it said is to be sent later
 *     pending  -> kept      it says what it has to say before anybody waits
 *     pending  -> awaited   wait()
 *     kept     -> settled   wait(), dispose()
 *     awaited  -> settled   it says what it has to say
 *     pending  -> settled   dispose()
 *
 * One object for both, with little in it unless the answer is to come: it is made for every request.
 */
export class LaneExchange implements ServerRequest, Recipient {
  readonly parsed: ParsedRequest;
  /** Of the answer that was given at once. */
  repeatable: Repeatable | undefined = undefined;
  /** Its body, where it has one. */
  upload: LaneUpload | undefined = undefined;
  /** What of it was read when the handler had been asked. */
  #bodyBytes = 0;
  readonly #lane: Lane;
  readonly #client: LaneClient;
  #stage: Stage = 'asked';
  #outcome: LaneOutcome | undefined = undefined;
  #delay: Delay | undefined = undefined;

  constructor(lane: Lane, parsed: ParsedRequest, client: LaneClient) {
    this.parsed = parsed;
    this.#lane = lane;
    this.#client = client;
  }

  // The request

  get method(): string {
    return this.parsed.method;
  }

  get target(): string {
    return this.parsed.target;
  }

  get secure(): boolean {
    return this.#client.secure;
  }

  get remoteAddress(): string | undefined {
    return this.#client.remoteAddress;
  }

  get rawHeaders(): readonly string[] {
    return this.parsed.rawHeaders;
  }

  get notes(): RequestNotes | undefined {
    return this.parsed.notes;
  }

  get body(): RequestBody | undefined {
    return this.upload?.body;
  }

  header(name: string): string | undefined {
    return this.parsed.fields.get(name);
  }

  interim(status: number, headers: HeaderList): void {
    const isTold = this.#outcome !== undefined || this.#stage === 'settled';
    const bytes = isTold ? undefined : interimHead(status, headers);
    if (bytes !== undefined) this.#sendAhead(bytes);
  }

  /** @throws ERR_IOLITE_ARGUMENT for a link that cannot be sent */
  earlyHints(links: readonly string[]): void {
    this.#delay ??= new Delay();
    if (links.length === 0 || this.#delay.hints !== undefined) return;
    this.#delay.hints = hintsHead(links);
    this.#delay.waiter?.hinted(this.#delay.hints);
  }

  // For the connection

  /** The request and what came behind it; kept where the answer is to come. */
  get bytes(): Buffer {
    return this.#delay?.bytes ?? NOTHING;
  }

  /** What came behind the request, or behind its head as long as nobody reads its body. */
  get rest(): Buffer {
    return this.bytes.subarray(this.#delay?.headBytes);
  }

  /** Takes what came behind the head: it is read. */
  takeRest(): Buffer {
    const { rest } = this;
    this.#delay ??= new Delay();
    this.#delay.bytes = NOTHING;
    this.#delay.headBytes = 0;
    return rest;
  }

  /** The client waits to be told to send the body. */
  sayContinue(): void {
    if (this.#stage !== 'settled') this.#sendAhead(CONTINUE);
  }

  /**
   * Asks the handler. Call it once.
   * @returns what it says at once, its body the caller's; undefined: {@link wait} for it
   */
  ask(): LaneOutcome | undefined {
    const { memo } = this.#lane;
    memo.isRead = true;
    try {
      const pending = this.#lane.handler.answer(this, this);
      if (this.#outcome === undefined) this.#delayBy(pending);
    } catch (error) {
      this.failed(error);
    } finally {
      memo.isRead = false;
    }
    const outcome = this.#outcome;
    this.#stage = outcome === undefined ? 'pending' : 'settled';
    this.#outcome = undefined;
    return outcome;
  }

  /** Takes back what {@link ask} gave, to be waited for. */
  postpone(outcome: LaneOutcome): void {
    this.#stage = 'kept';
    this.#outcome = outcome;
  }

  /**
   * As {@link ask}, of a request that may have a body.
   * @param bytes that came behind its head
   * @param line the connection, which has the body from now on if there is one
   */
  askBefore(bytes: Buffer, line: BodyLine): LaneOutcome | undefined {
    const { body } = this.parsed;
    const { uploads } = this.#lane;
    if (body === undefined || uploads === undefined) return this.ask();
    const upload = new LaneUpload(line.bodies, body, uploads);
    this.upload = upload;
    line.bodies.begin(upload, this);
    upload.offer(bytes);
    const outcome = this.ask();
    this.#bodyBytes = upload.settle();
    if (isAtHand(outcome)) upload.drop();
    // Somebody else cannot read what was read.
    return outcome === 'declined' && !upload.isWaiting ? statusAnswer(404) : outcome;
  }

  /** In bytes: of the head, and of what was read of the body. */
  get length(): number {
    return this.parsed.length + this.#bodyBytes;
  }

  /**
   * Keeps bytes while it is waited for: all of it and what came behind it; or that alone, where the body is
   * read.
   * @param bytes in which it begins at `start`; valid during the call
   */
  keep(bytes: Buffer, start: number, end: number): void {
    const isRead = this.upload?.isWaiting === false;
    this.#delay ??= new Delay();
    this.#delay.bytes = Buffer.from(bytes.subarray(isRead ? start + this.length : start, end));
    this.#delay.headBytes = isRead ? 0 : this.parsed.length;
  }

  /**
   * Waits for what the handler says, which it may have said by now.
   * @param later bytes that came behind those that were kept
   */
  wait(waiter: OutcomeWaiter, later: Buffer): void {
    this.#delay ??= new Delay();
    if (later.length > 0) this.#delay.bytes = Buffer.concat([this.#delay.bytes, later]);
    this.#delay.waiter = waiter;
    if (this.#outcome !== undefined) {
      this.#give(waiter, this.#outcome);
      return;
    }
    this.#stage = 'awaited';
    if (this.#delay.hints !== undefined) waiter.hinted(this.#delay.hints);
  }

  /**
   * The client is gone, or has said its last. The handler is told, once; if it has left off it says that, if
   * it answers nevertheless the answer counts.
   */
  giveUp(): void {
    const delay = this.#delay;
    if (delay === undefined || delay.isGivenUp) return;
    if (this.#stage !== 'pending' && this.#stage !== 'awaited') return;
    delay.isGivenUp = true;
    delay.pending?.giveUp();
  }

  /** The client has ended its side, and may be gone: what does not come soon is given up. */
  clientEnded(): void {
    if (this.#delay?.pending?.comesSoon !== true) this.giveUp();
  }

  /** Nobody waits any more, as something else is said to the client: it is given up. */
  abandon(): void {
    this.giveUp();
    this.dispose();
    this.#stage = 'settled';
  }

  /** Nobody will wait for the answer, or the waiter is over: it is given up, or released. */
  dispose(): void {
    this.giveUp();
    const outcome = this.#outcome;
    if (this.#stage !== 'pending' && this.#stage !== 'kept') return;
    this.#stage = 'settled';
    this.#outcome = undefined;
    if (outcome !== undefined) release(outcome);
  }

  // For the handler

  answered(answer: Answer, repeatable?: Repeatable): void {
    if (this.#stage === 'asked' && this.#outcome === undefined) this.repeatable = repeatable;
    this.#settle(answer);
  }

  declined(): void {
    this.#settle('declined');
  }

  failed(error: unknown): void {
    if (this.#stage === 'settled' || this.#outcome !== undefined) return;
    this.#settle(this.#delay?.isGivenUp === true ? 'abandoned' : this.failure(error));
  }

  /** The answer in place of one that the handler failed to give. */
  failure(error: unknown): Answer {
    return handlerFailure(error, this, this.#lane.failed);
  }

  #sendAhead(bytes: Buffer): void {
    this.#delay ??= new Delay();
    const { waiter, hints } = this.#delay;
    this.#delay.hints = hints === undefined ? bytes : Buffer.concat([hints, bytes]);
    waiter?.hinted(bytes);
  }

  #delayBy(pending: PendingAnswer | undefined): void {
    if (typeof pending?.giveUp !== 'function') throw wrongHandler(pending);
    this.#delay ??= new Delay();
    this.#delay.pending = pending;
  }

  #settle(outcome: LaneOutcome): void {
    if (this.#stage === 'asked' && this.#outcome === undefined) this.#outcome = outcome;
    else if (this.#stage === 'settled' || this.#outcome !== undefined) release(outcome);
    else this.#settleLate(outcome);
  }

  #settleLate(outcome: LaneOutcome): void {
    const waiter = this.#delay?.waiter;
    if (waiter === undefined) {
      this.#stage = 'kept';
      this.#outcome = outcome;
    } else if (this.#lane.outbox.size > 0 || this.#lane.memo.isRead) {
      // Told while requests of another connection are taken, or answers put together, in what all share.
      this.#outcome = outcome;
      queueMicrotask(() => this.#give(waiter, outcome));
    } else {
      this.#give(waiter, outcome);
    }
  }

  #give(waiter: OutcomeWaiter, outcome: LaneOutcome): void {
    this.#stage = 'settled';
    this.#outcome = undefined;
    waiter.settled(this, outcome);
  }
}

function release(outcome: LaneOutcome): void {
  if (typeof outcome === 'object') releaseBody(outcome.body);
}

/** Whether a handler has answered, with a body that is whole. */
export function isAtHand(outcome: LaneOutcome | undefined): outcome is Answer {
  return typeof outcome === 'object' && !isStream(outcome.body);
}
