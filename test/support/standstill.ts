import { setImmediate } from 'node:timers/promises';

/**
 * How long an event loop may stand still before somebody is to blame. What peers try would make it stand for
 * many seconds; a machine that is busy with other things does not.
 */
export const STANDSTILL_MS = 2000;

/** Watches how long the event loop of this process stands still while something goes on. */
export async function longestStandstill(during: () => Promise<void>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const look = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(look, 1);
  try {
    await during();
    await setImmediate();
    look();
  } finally {
    clearInterval(timer);
  }
  return longest;
}
