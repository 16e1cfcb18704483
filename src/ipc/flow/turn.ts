/**
 * Milliseconds that the frames of all peers may take of one turn of the event loop. A frame that has begun is
 * finished; each is bounded by what a frame may hold.
 */
const MOST_MS = 10;
/**
 * Requests whose handlers may go on in one turn once their frames are dealt with: what they do then is not in
 * that time. The owner of a cache opens and reads a file for some of them, in a tenth of a millisecond.
 */
const MOST_HANDLERS = 64;
/** Less than this is carried over into the next turns: it is not worth noticing that one has passed. */
const CARRIED_MS = 1;
const CARRIED_HANDLERS = 8;

/**
 * What the channels of this thread do in one turn of its event loop. However much their peers send, and
 * however many they are, the loop comes to everything else each turn: a channel that finds the turn over
 * keeps what it has read, reads nothing more, and goes on when it is called, in the order of asking.
 */
export class Turn {
  #spent = 0;
  #began = 0;
  #handlers = 0;
  #isWatched = false;
  readonly #waiting = new Set<() => void>();

  /** Frames begin to be delivered. */
  begin(): void {
    this.#began = performance.now();
  }

  /** Whether no more frames are to be delivered before the next turn. A clock read: 40 ns. */
  get isOver(): boolean {
    return this.#handlers >= MOST_HANDLERS || this.#spent + performance.now() - this.#began > MOST_MS;
  }

  /** The handler of a request has given a promise: it goes on after the frames of this turn, if not later. */
  handlerGoesOn(): void {
    this.#handlers += 1;
  }

  /** No more frames are delivered by now. */
  end(): void {
    this.#spent += performance.now() - this.#began;
    if (this.#spent > CARRIED_MS || this.#handlers > CARRIED_HANDLERS) this.#watch();
  }

  /** Calls `resume` in a later turn, once, however often it is asked. */
  wait(resume: () => void): void {
    this.#waiting.add(resume);
    this.#watch();
  }

  /** The channel is closed. */
  forget(resume: () => void): void {
    this.#waiting.delete(resume);
  }

  #watch(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    setImmediate(this.#next);
  }

  readonly #next = (): void => {
    this.#isWatched = false;
    this.#spent = 0;
    this.#handlers = 0;
    for (const resume of this.#waiting) {
      if (this.#spent > MOST_MS || this.#handlers >= MOST_HANDLERS) break;
      this.#waiting.delete(resume);
      resume();
    }
    if (this.#waiting.size > 0) this.#watch();
  };
}

/** That of this thread. */
export const turn = new Turn();
