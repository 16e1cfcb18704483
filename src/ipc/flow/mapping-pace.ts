/** A peer may have so many bytes mapped here at once, */
const BURST_BYTES = 1024 ** 3;
/** and from there on so many more each second. */
const BYTES_PER_MS = (4 * 1024 ** 3) / 1000;

/**
 * How fast a peer may have us map chunks. To grant the same gigabyte and take it back, again and again, costs
 * it nothing; here the garbage collector counts each mapping as memory, and runs. What is passed to be read
 * comes slower than that.
 */
export class MappingPace {
  #left = BURST_BYTES;
  #at: number;

  /** @param now in milliseconds, as of all calls */
  constructor(now: number) {
    this.#at = now;
  }

  /** Whether a chunk of so many bytes may be mapped now; it counts then, and may take more than is left. */
  take(bytes: number, now: number): boolean {
    this.#left = Math.min(BURST_BYTES, this.#left + (now - this.#at) * BYTES_PER_MS);
    this.#at = now;
    if (this.#left <= 0) return false;
    this.#left -= bytes;
    return true;
  }
}
