import { setTimeout as delay } from 'node:timers/promises';
import { now } from '../base/clock.ts';
import { IoliteError } from '../base/error.ts';

const PAUSE_MS = 200;

/**
 * Attempts what NATS may refuse for a while, as its servers have yet to find a leader, again and again.
 * @param end when it is given up, by {@link now} @throws what failed last; errors of iolite at once
 */
export async function attemptUntil<T>(end: number, attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof IoliteError || now() + PAUSE_MS >= end) throw error;
    }
    await delay(PAUSE_MS);
  }
}
