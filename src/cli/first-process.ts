import { constants } from 'node:os';

/** Signals that ask a program to end. */
export const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const;

/**
 * Has signals end this process where it is process 1, of a container: the kernel spares that what they do by
 * themselves. To be called early, for what came before is lost.
 */
export function endBySignals(): void {
  if (process.pid !== 1) return;
  for (const signal of ENDING_SIGNALS) process.on(signal, endAtOnce);
}

/** Undoes {@link endBySignals}: somebody follows signals now. */
export function followOwnSignals(): void {
  for (const signal of ENDING_SIGNALS) process.off(signal, endAtOnce);
}

/** What a shell says of a process that a signal ended. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 0x80 + constants.signals[signal];
}

function endAtOnce(signal: NodeJS.Signals): void {
  process.exit(exitCodeOf(signal));
}
