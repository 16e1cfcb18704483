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

/** Undoes {@link endBySignals}, also that of another bundle: somebody follows signals now. */
export function followOwnSignals(): void {
  for (const signal of ENDING_SIGNALS)
    for (const listener of process.listeners(signal)) if (OURS in listener) process.off(signal, listener);
}

/** What a shell says of a process that a signal ended. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 0x80 + constants.signals[signal];
}

/** The command and what it loads are bundles of their own, in each of which this module is another. */
const OURS = Symbol.for('iolite: ends at once');

const endAtOnce = Object.assign((signal: NodeJS.Signals): void => process.exit(exitCodeOf(signal)), {
  [OURS]: true,
});
