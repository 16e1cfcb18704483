/** So many of its heartbeats may be missing before a peer is taken for gone. */
const MISSED_BEATS = 3;

/** What a {@link Heartbeat} does to its link. */
export interface HeartbeatHost {
  /** Says that we are here: nothing else was said for long. */
  speak(): void;
  /** The peer has said nothing for too long. */
  silent(milliseconds: number): void;
}

/** Tells whether the peer of a link is there, and tells the peer that we are. */
export class Heartbeat {
  readonly #host: HeartbeatHost;
  readonly #ownMs: number;
  readonly #peerMs: number;
  readonly #pauseMs: number;
  readonly #timer: NodeJS.Timeout;
  #heardAt = performance.now();
  #spokeAt = this.#heardAt;
  #lookedAt = this.#heardAt;

  /**
   * @param ownMs how often we say something at least
   * @param peerMs how often the peer does
   */
  constructor(ownMs: number, peerMs: number, host: HeartbeatHost) {
    this.#host = host;
    this.#ownMs = ownMs;
    this.#peerMs = peerMs;
    this.#pauseMs = Math.min(ownMs, peerMs) / 2;
    this.#timer = setInterval(() => this.#look(), this.#pauseMs).unref();
  }

  /** The peer has said something. */
  heard(): void {
    this.#heardAt = performance.now();
  }

  /** We have. */
  spoke(): void {
    this.#spokeAt = performance.now();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    // Whoever was late himself has not read what came meanwhile.
    if (now - this.#lookedAt > this.#pauseMs + this.#peerMs) this.#heardAt = now;
    this.#lookedAt = now;
    const silence = now - this.#heardAt;
    if (silence > MISSED_BEATS * this.#peerMs) this.#host.silent(Math.round(silence));
    else if (now - this.#spokeAt > this.#ownMs - this.#pauseMs) this.#host.speak();
  }
}
