import type { Postponed } from '../wire/frame.ts';

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
 * Holds a channel's frames back while the next one cannot be dealt with: this process has no descriptor left
 * for a chunk, or another process has locked a chunk.
 */
export class Postponement {
  readonly #host: PostponementHost;
  #timer: NodeJS.Timeout | undefined;
  #pause = FIRST_PAUSE_MS;
  /** When the wait began; undefined while there is none. */
  #since: number | undefined;

  constructor(host: PostponementHost) {
    this.#host = host;
  }

  /** The frame could not be dealt with: again in a moment. */
  postpone({ cause }: Postponed): void {
    this.#since ??= performance.now();
    if (performance.now() - this.#since > PATIENCE_MS) return this.#host.fail(cause);
    this.#host.pause();
    // A socket that is paused would not keep the process alive.
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#host.retry();
    }, this.#pause);
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE_MS);
  }

  /** Everything that came was dealt with. */
  caughtUp(): void {
    if (this.#since === undefined) return;
    this.#since = undefined;
    this.#pause = FIRST_PAUSE_MS;
    this.#host.resume();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
