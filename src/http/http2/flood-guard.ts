/** What a client may have in advance, and what it gets with each second. */
const MOST_POINTS = 2000;
const REFILL_POINTS = 100;
/** For each answer; and for bodies, either way, a point for so many bytes: they are acknowledged. */
const ANSWER_POINTS = 4;
const POINT_BYTES = 256;

/** What frames cost that may be sent without an end and bring nothing. */
export const COST = { frame: 1, reset: 2 } as const;

/**
 * Bounds what a client may let us do for nothing (RFC 9113, 10.5): streams that it resets, pings, settings,
 * frames that are empty, tell next to nothing or are not known. Whoever gets answers may say more.
 */
export class FloodGuard {
  #points = MOST_POINTS;
  #since: number;

  /** @param clock in seconds */
  constructor(clock: number) {
    this.#since = clock;
  }

  /** @returns whether the client may go on */
  spend(points: number, clock: number): boolean {
    if (this.#points < points && clock > this.#since) {
      this.#add((clock - this.#since) * REFILL_POINTS);
      this.#since = clock;
    }
    this.#points -= points;
    return this.#points >= 0;
  }

  /** The client has got an answer. */
  answered(): void {
    if (this.#points < MOST_POINTS) this.#add(ANSWER_POINTS);
  }

  /** Bytes of a body went, or came. */
  moved(bytes: number): void {
    if (this.#points < MOST_POINTS) this.#add(bytes / POINT_BYTES);
  }

  #add(points: number): void {
    this.#points = Math.min(MOST_POINTS, this.#points + points);
  }
}
