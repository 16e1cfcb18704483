/** How long an unused kernel lock is kept. */
const GRACE_MS = 5;

/** What {@link LazyUnlock} collects. */
export interface Unlockable {
  /** Whether it waits already. {@link LazyUnlock}'s to set. */
  isListed: boolean;
  /** Drops the kernel lock unless the chunk came into use again. @returns false: it is to be tried again */
  unlockIfIdle(): boolean;
}

/**
 * Chunks whose leases have ended but whose kernel locks are still held. A stream of small buffers through one
 * chunk would otherwise lock and unlock it for each; instead the locks are dropped in batches.
 */
export class LazyUnlock {
  #chunks: Unlockable[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** It need not be taken back when the chunk comes into use again. */
  add(chunk: Unlockable): void {
    if (chunk.isListed) return;
    chunk.isListed = true;
    this.#chunks.push(chunk);
    this.#timer ??= setTimeout(() => this.#sweep(), GRACE_MS).unref();
  }

  #sweep(): void {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#timer = undefined;
    for (const chunk of chunks) {
      chunk.isListed = false;
      if (!chunk.unlockIfIdle()) this.add(chunk);
    }
  }
}
