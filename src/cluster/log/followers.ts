import { setTimeout as delay } from 'node:timers/promises';
import type { LogFollower, LogSelector } from '../../store/log/invalidation-log.ts';

const PAUSE_MS = 100;

/** The stores of this machine that follow the log, by what it calls them. */
export class Followers {
  readonly #followers = new Map<LogFollower, string>();
  readonly #complain: (message: string) => void;

  constructor(complain: (message: string) => void) {
    this.#complain = complain;
  }

  add(topic: string, follower: LogFollower): () => void {
    this.#followers.set(follower, topic);
    return () => this.#followers.delete(follower);
  }

  /** Resolves when all have carried it out, or are gone. */
  async carryOut(topic: string, selector: LogSelector): Promise<void> {
    await Promise.all(
      [...this.#followers].map(([follower, each]) =>
        each === topic ? this.#until(follower, () => follower.carryOut(selector)) : undefined,
      ),
    );
  }

  /** Resolves when all have. */
  async distrust(): Promise<void> {
    await Promise.all(
      [...this.#followers.keys()].map(follower => this.#until(follower, () => follower.distrust())),
    );
  }

  trust(until: number): void {
    for (const follower of this.#followers.keys()) follower.trust(until);
  }

  /** A worker that was stopped keeps what it has until it may not use it any more: then it counts as done. */
  async #until(follower: LogFollower, attempt: () => Promise<unknown>): Promise<void> {
    let complained = false;
    while (this.#followers.has(follower)) {
      try {
        await attempt();
        return;
      } catch (error) {
        if (!complained) this.#complain(`Cannot invalidate, and tries again: ${(error as Error).message}`);
        complained = true;
        await delay(PAUSE_MS);
      }
    }
  }
}
