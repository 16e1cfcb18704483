import type { Repeatable } from '../../base/repeatable.ts';
import { isStream, releaseBody } from '../message/body.ts';
import type { Answer, PendingAnswer, Recipient, RequestNotes, ServerRequest } from '../message/exchange.ts';
import type { HeaderList } from '../message/header-list.ts';
import { wrongHandler } from '../message/promised-answer.ts';
import { handlerFailure } from '../message/status-of-error.ts';
import { hintsHead, interimHead } from './answer-head.ts';
import type { ParsedRequest } from './grammar.ts';
import type { Lane } from './lane-host.ts';

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

/** What an exchange has besides if its answer is to come. */
class Delay {
  /** The request and what came behind it. */
  bytes: Buffer = NOTHING;
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

  get body(): undefined {
    return undefined;
  }

  header(name: string): string | undefined {
    return this.parsed.fields.get(name);
  }

  interim(status: number, headers: HeaderList): void {
    const isTold = this.#outcome !== undefined || this.#stage === 'settled';
    const bytes = isTold ? undefined : interimHead(status, headers);
    if (bytes === undefined) return;
    this.#delay ??= new Delay();
    const { waiter, hints } = this.#delay;
    this.#delay.hints = hints === undefined ? bytes : Buffer.concat([hints, bytes]);
    waiter?.hinted(bytes);
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

  /** What came behind the request. */
  get rest(): Buffer {
    return this.bytes.subarray(this.parsed.length);
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
   * Waits for what the handler says, which it may have said by now.
   * @param bytes of which the first `length` are the request and what came behind it; valid during the call
   */
  wait(waiter: OutcomeWaiter, bytes: Buffer, length: number): void {
    this.#delay ??= new Delay();
    this.#delay.bytes = Buffer.from(bytes.subarray(0, length));
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
