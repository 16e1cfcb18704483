import { closeSync, openSync } from 'node:fs';
import { ENDING_SIGNALS, exitCodeOf, followOwnSignals } from '../../first-process.ts';
import { PackageRunner } from './package-runner.ts';

/** What signals ask of a server. */
export interface SignalHost {
  /** To end. @param exitCode if it is to end at once, being the second such signal */
  end(exitCode: number): void;
  /** To read its settings again. */
  reload(): void;
  /** To open the log's file anew. */
  reopenLog(): void;
}

/**
 * Passes on what signals ask for from now on: SIGTERM, SIGINT and SIGQUIT (which is what some containers end
 * servers by) to end, SIGHUP to reload, unless the terminal has hung up that there was, SIGUSR1 for the log.
 */
export function followSignals(host: SignalHost): void {
  const runner = PackageRunner.find();
  followOwnSignals();
  for (const signal of ENDING_SIGNALS) {
    process.on(signal, () => {
      if (!runner?.repeats()) host.end(exitCodeOf(signal));
    });
  }
  const hadTerminal = hasTerminal();
  process.on('SIGHUP', () => {
    if (hadTerminal && !hasTerminal()) host.end(exitCodeOf('SIGHUP'));
    else host.reload();
  });
  process.on('SIGUSR1', () => host.reopenLog());
}

/** Whether there is a terminal whose hang-up a SIGHUP may tell of. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
