import { SLOW_READER_MS } from './socket-sender.ts';

/**
 * How fast whoever reads from a socket was the last time: so it will be at the beginning of the next sending.
 * A reader of which nothing is known counts as slow: what it leaves unread takes no memory then.
 */
export class ReaderPace {
  #isFast = false;
  /** When it was sent more than a little, without being waited for; 0 if that says nothing. */
  #sentAt = 0;

  get isFast(): boolean {
    return this.#isFast;
  }

  /** Whether {@link caughtUp} would say something. */
  get isUnknown(): boolean {
    return this.#sentAt !== 0;
  }

  /** A sending is over. @param keptUp whether the reader did when it was last waited for, if it was */
  sent(keptUp: boolean | undefined): void {
    if (keptUp !== undefined) this.#isFast = keptUp;
    else if (!this.#isFast) this.#sentAt = performance.now();
  }

  /** It has taken all that it was sent. */
  caughtUp(): void {
    if (this.#sentAt !== 0) this.#isFast = performance.now() - this.#sentAt <= SLOW_READER_MS;
    this.#sentAt = 0;
  }
}
