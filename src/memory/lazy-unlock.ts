/** How long an unused kernel lock is kept, in milliseconds. */
const GRACE = 5;

/** What {@link LazyUnlock} collects. */
export interface Unlockable {
  /** Drops the kernel lock unless the chunk came into use again. */
  unlockIfIdle(): void;
}

/**
 * Chunks whose leases have ended but whose kernel locks are still held. A stream of small buffers through one
 * chunk would otherwise lock and unlock it for each; instead the locks are dropped in batches.
 */
export class LazyUnlock {
  #chunks = new Set<Unlockable>();
  #timer: NodeJS.Timeout | undefined;

  add(chunk: Unlockable): void {
    this.#chunks.add(chunk);
    this.#timer ??= setTimeout(() => this.#sweep(), GRACE).unref();
  }

  delete(chunk: Unlockable): void {
    this.#chunks.delete(chunk);
  }

  #sweep(): void {
    const chunks = this.#chunks;
    this.#chunks = new Set();
    this.#timer = undefined;
    for (const chunk of chunks) chunk.unlockIfIdle();
  }
}
