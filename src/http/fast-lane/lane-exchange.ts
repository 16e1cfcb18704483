import { releaseBody } from '../message/body.ts';
import type { Answer, PendingAnswer, Recipient } from '../message/exchange.ts';
import { wrongHandler } from '../message/promised-answer.ts';
import { statusAnswer } from '../message/status-answer.ts';
import type { ParsedRequest } from './grammar.ts';
import type { Lane } from './lane-host.ts';
import { type HintSender, type LaneClient, LaneRequest } from './lane-request.ts';

/** What a handler says of a request: its answer, that others are to be asked, or that it has left off. */
export type LaneOutcome = Answer | 'declined' | 'abandoned';

/** Who waits for what a handler says. */
export interface OutcomeWaiter extends HintSender {
  /** Called once. */
  settled(exchange: LaneExchange, outcome: LaneOutcome): void;
}

const NOTHING = Buffer.alloc(0);

/** How far a request has come. */
type Stage =
  /** The handler is being asked. */
  | 'asked'
  /** It has not answered at once, or its answer is to be sent later; nobody waits yet. */
  | 'pending'
  /** Somebody waits for what it says. */
  | 'awaited'
  /** It was said to whom it is for. What comes now is dropped. */
  | 'settled';

/**
 * A request of the fast lane and what becomes of it, from the question to the handler until that has said
 * what it has to say, which it may do once.
 */
export class LaneExchange implements Recipient {
  readonly request: LaneRequest;
  readonly parsed: ParsedRequest;
  /** The request and what came behind it; kept where the answer is to come. */
  bytes: Buffer = NOTHING;
  readonly #lane: Lane;
  #stage: Stage = 'asked';
  #pending: PendingAnswer | undefined;
  #outcome: LaneOutcome | undefined;
  #waiter: OutcomeWaiter | undefined;
  #isGivenUp = false;

  constructor(lane: Lane, parsed: ParsedRequest, client: LaneClient) {
    this.#lane = lane;
    this.parsed = parsed;
    this.request = new LaneRequest(parsed, client);
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
    try {
      const pending = this.#lane.handler.answer(this.request, this);
      if (this.#outcome === undefined && typeof pending?.giveUp !== 'function') throw wrongHandler(pending);
      this.#pending = pending;
    } catch (error) {
      this.failed(error);
    }
    const outcome = this.#outcome;
    this.#stage = outcome === undefined ? 'pending' : 'settled';
    this.#outcome = undefined;
    return outcome;
  }

  /** Takes back what {@link ask} gave, to be waited for. */
  postpone(outcome: LaneOutcome): void {
    this.#stage = 'pending';
    this.#outcome = outcome;
  }

  /**
   * Waits for what the handler says, which it may have said by now.
   * @param bytes of which the first `length` are the request and what came behind it; valid during the call
   */
  wait(waiter: OutcomeWaiter, bytes: Buffer, length: number): void {
    this.bytes = Buffer.from(bytes.subarray(0, length));
    this.#waiter = waiter;
    this.#stage = 'awaited';
    if (this.#outcome === undefined) this.request.hintTo(waiter);
    else this.#give(waiter, this.#outcome);
  }

  /**
   * The client is gone, or has said its last. The handler is told, once; if it has left off it says that, if
   * it answers nevertheless the answer counts.
   */
  giveUp(): void {
    if (this.#isGivenUp || this.#stage === 'settled' || this.#outcome !== undefined) return;
    this.#isGivenUp = true;
    this.#pending?.giveUp();
  }

  /** Nobody will wait for the answer, or the waiter is over: it is given up, or released. */
  dispose(): void {
    this.giveUp();
    if (this.#stage !== 'pending') return;
    this.#stage = 'settled';
    if (this.#outcome !== undefined) release(this.#outcome);
  }

  answered(answer: Answer): void {
    this.#settle(answer);
  }

  declined(): void {
    this.#settle('declined');
  }

  failed(error: unknown): void {
    if (this.#stage === 'settled' || this.#outcome !== undefined) return;
    this.#settle(this.#isGivenUp ? 'abandoned' : this.failure(error));
  }

  /** The answer in place of one that the handler failed to give. */
  failure(error: unknown): Answer {
    this.#lane.failed?.(error, this.request);
    return statusAnswer(500);
  }

  #settle(outcome: LaneOutcome): void {
    if (this.#stage === 'settled' || this.#outcome !== undefined) {
      release(outcome);
      return;
    }
    const waiter = this.#waiter;
    if (waiter === undefined) this.#outcome = outcome;
    // Told while answers of another connection are put together, in what all connections share.
    else if (this.#lane.outbox.size > 0) this.#giveSoon(waiter, outcome);
    else this.#give(waiter, outcome);
  }

  #giveSoon(waiter: OutcomeWaiter, outcome: LaneOutcome): void {
    this.#outcome = outcome;
    queueMicrotask(() => this.#give(waiter, outcome));
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
