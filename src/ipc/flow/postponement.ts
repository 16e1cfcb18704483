import type { Postponed } from '../wire/frame.ts';
import type { Turn } from './turn.ts';

/** Between attempts: the first pause and the longest. */
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;
/** How long a channel waits before it ends. */
const PATIENCE_MS = 30_000;

/** What a {@link Postponement} does to its channel. */
export interface PostponementHost {
  /** Reads nothing more of the peer: what it sends waits in the socket, and then with the peer. */
  pause(): void;
  resume(): void;
  /** Delivers the frame again, and what follows it. */
  retry(): void;
  fail(error: Error): void;
}

/**
 * Holds a channel's frames back: while the next one cannot be dealt with, as this process has no descriptor
 * left for a chunk, or another process has locked a chunk; and to the next turn, when this one is over.
 */
export class Postponement {
  readonly #host: PostponementHost;
  readonly #turn: Turn;
  readonly #retry: () => void;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #isPaused = false;
  /** When the wait for a frame began; undefined while there is none. */
  #since: number | undefined;

  constructor(host: PostponementHost, turn: Turn) {
    this.#host = host;
    this.#turn = turn;
    this.#retry = () => host.retry();
  }

  /** The frame could not be dealt with: again in a moment. */
  postpone({ cause }: Postponed): void {
    this.#since ??= performance.now();
    if (performance.now() - this.#since > PATIENCE_MS) return this.#host.fail(cause);
    this.#pause();
    // A socket that is paused would not keep the process alive.
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#host.retry();
    }, this.#pauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }

  /** The turn is over: in the next one. */
  rest(): void {
    this.#pause();
    this.#turn.wait(this.#retry);
  }

  /** Everything that came was dealt with. */
  caughtUp(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#since = undefined;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#host.resume();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#turn.forget(this.#retry);
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#host.pause();
  }
}
