import { ArgumentError, describe } from '../base/error.ts';
import { type Figures, observe } from '../observe/sources.ts';
import { SENT } from './flow/waiting-messages.ts';
import type { Message } from './message.ts';
import type { MessageToSend } from './message-content.ts';
import {
  answerTimeoutError,
  isTimeout,
  type PendingRequest,
  PendingRequests,
  type RequestOptions,
  timeoutRangeError,
} from './pending-requests.ts';
import type { Sender } from './sender.ts';
import { MessageKind } from './wire/frame.ts';

/** What the requests of a channel need of it. */
export interface RequesterHost {
  readonly sender: Pick<Sender, 'send' | 'withdraw' | 'answered' | 'waiting' | 'ahead'>;
  /** Why nothing may be sent any more; undefined as long as it may. */
  whyClosed(): Error | undefined;
  /** Tells the peer, unless it is gone, that an answer is not wanted. */
  cancel(correlation: number): void;
}

/** The requests of one side of a channel. */
export class Requester {
  readonly #host: RequesterHost;
  readonly #pending = new PendingRequests();

  /** @internal */
  constructor(host: RequesterHost) {
    this.#host = host;
    observe('channel', this, Requester.#figuresOf);
  }

  /** What a channel tells of itself; undefined when it is closed. */
  static #figuresOf(requester: Requester): Figures | undefined {
    const { sender, whyClosed } = requester.#host;
    if (whyClosed() !== undefined) return undefined;
    const { waiting, ahead } = sender;
    const { messages: unconsumed, bytes: unconsumedBytes, unleased } = ahead;
    return { open: 1, pending: requester.#pending.size, waiting, unconsumed, unconsumedBytes, unleased };
  }

  /** See Channel.request(). */
  request(message: MessageToSend, options: RequestOptions): Promise<Message> {
    const { signal, timeout } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (timeout !== undefined && !isTimeout(timeout)) return Promise.reject(timeoutRangeError(timeout));
    const closed = this.#host.whyClosed();
    if (closed !== undefined) return Promise.reject(closed);
    let correlation = 0;
    const answer = new Promise<Message>((resolve, reject) => {
      correlation = this.ask(message, { resolve, reject });
    });
    if (signal === undefined && timeout === undefined) return answer;
    return this.#until(options, correlation, answer);
  }

  /**
   * As Channel.request(), for whoever sends tens of thousands a second: without promises.
   * @param waiting one of its functions is called, once, after this has returned
   * @throws ERR_IOLITE_ARGUMENT unless there are both; all else that goes wrong is told to `waiting`
   * @returns the request's number, which the peer's handler is told as well: not that of another one that
   *   waits or is held
   */
  ask(message: MessageToSend, waiting: PendingRequest): number {
    if (typeof waiting?.resolve !== 'function' || typeof waiting.reject !== 'function') {
      throw new ArgumentError(
        `Cannot send request: resolve and reject are wanted, ${describe(waiting)} was given`,
      );
    }
    const correlation = this.#pending.open(waiting);
    const closed = this.#host.whyClosed();
    const sent =
      closed === undefined
        ? this.#host.sender.send(MessageKind.REQUEST, correlation, message)
        : Promise.reject(closed);
    if (sent !== SENT) sent.catch(error => this.#pending.reject(correlation, error));
    return correlation;
  }

  /**
   * Ends the wait for an answer, after which nothing is called, and tells the peer. @returns whether there
   * was a wait
   */
  giveUp(correlation: number): boolean {
    const isWaiting = this.#pending.giveUp(correlation);
    if (isWaiting) this.#cancel(correlation);
    return isWaiting;
  }

  /** Whether requests may be sent. */
  get isOpen(): boolean {
    return this.#host.whyClosed() === undefined;
  }

  /**
   * Tells the peer that an answer is not wanted, and waits for it all the same: it says when the peer is
   * done.
   * @returns false when the request had not left: then nothing is called any more
   */
  waive(correlation: number): boolean {
    if (this.#host.sender.withdraw(MessageKind.REQUEST, correlation)) {
      this.#pending.giveUp(correlation);
      return false;
    }
    if (this.#pending.has(correlation)) this.#host.cancel(correlation);
    return true;
  }

  /**
   * Who waits for the answer to a request, if it has not come.
   * @internal
   */
  waiting(correlation: number): PendingRequest | undefined {
    return this.#pending.get(correlation);
  }

  /** Whether the answer to a request has not come and is waited for. */
  isWaiting(correlation: number): boolean {
    return this.#pending.has(correlation);
  }

  /**
   * An answer came whose request is not over with it: no other gets its number, until {@link letGo}.
   * @internal
   */
  hold(correlation: number): void {
    this.#pending.hold(correlation);
  }

  /** @internal */
  letGo(correlation: number): void {
    this.#pending.letGo(correlation);
  }

  /**
   * An answer came. @throws ERR_IOLITE_PROTOCOL when it was not asked for
   * @internal
   */
  answered(correlation: number, message: Message): void {
    this.#host.sender.answered(correlation);
    this.#pending.resolve(correlation, message);
  }

  /**
   * A failure came as answer. @throws as {@link answered}
   * @internal
   */
  failed(correlation: number, error: Error): void {
    this.#host.sender.answered(correlation);
    this.#pending.answerFailed(correlation, error);
  }

  /** @internal */
  rejectAll(error: Error): void {
    this.#pending.rejectAll(error);
  }

  /**
   * The answer, unless the signal or the time-out comes first: then the request is rejected, and cancelled.
   */
  async #until(
    { signal, timeout }: RequestOptions,
    correlation: number,
    answer: Promise<Message>,
  ): Promise<Message> {
    const end = (reason: Error): void => {
      if (this.#pending.reject(correlation, reason)) this.#cancel(correlation);
    };
    const abort = (): void => end(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const timer =
      timeout === undefined ? undefined : setTimeout(() => end(answerTimeoutError(timeout)), timeout);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  #cancel(correlation: number): void {
    if (this.#host.sender.withdraw(MessageKind.REQUEST, correlation)) return;
    this.#pending.abandon(correlation);
    this.#host.cancel(correlation);
  }
}
