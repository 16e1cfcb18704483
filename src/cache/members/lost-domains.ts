import { setTimeout } from 'node:timers/promises';
import { now } from '../../base/clock.ts';
import { mayRun } from '../../os/process/may-run.ts';

/** A process that is being killed takes about so long to end. */
const LOOK_MS = 5;

interface LostDomain {
  readonly pid: number;
  readonly until: number;
}

/**
 * Domains whose channels have broken, which may live all the same: a full table of descriptors is enough.
 * Until the end that they were told they find what they hold, as if the owner had died, and hear nothing.
 */
export class LostDomains {
  readonly #lost = new Set<LostDomain>();

  /** @param until when it may find what it was given, by {@link now} */
  add(pid: number, until: number): void {
    this.#forget();
    if (until > now()) this.#lost.add({ pid, until });
  }

  /**
   * When none of them finds anything any more: their time is over, or they have ended.
   * @returns undefined where that is so already
   */
  ended(): Promise<void> | undefined {
    this.#forget();
    return this.#lost.size === 0 ? undefined : this.#forgotten([...this.#lost]);
  }

  /** Nobody is waited for any more. */
  close(): void {
    this.#lost.clear();
  }

  async #forgotten(waitedFor: readonly LostDomain[]): Promise<void> {
    for (const each of waitedFor) {
      while (this.#lost.has(each)) {
        await setTimeout(Math.max(1, Math.min(LOOK_MS, each.until - now())));
        this.#forget();
      }
    }
  }

  #forget(): void {
    const time = now();
    for (const each of this.#lost) if (each.until <= time || !mayRun(each.pid)) this.#lost.delete(each);
  }
}
