import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { PR_SET_PDEATHSIG } from '../constants.ts';
import { checked, libc } from '../libc.ts';

/**
 * Has the kernel send this process a signal when its parent ends (prctl(2)): once, and at once where it
 * has ended in the meantime.
 * @param parent who is the parent, as far as the caller knows
 * @throws SystemError
 */
export function signalOnParentDeath(signal: NodeJS.Signals, parent: number): void {
  checked(
    libc().prctl(PR_SET_PDEATHSIG, constants.signals[signal], 0, 0, 0),
    'prctl',
    'Cannot ask for a signal when the parent ends',
  );
  if (process.ppid !== parent) process.kill(process.pid, signal);
}

/** Whether this process began a session of its own (setsid(2)), as what is to outlive its parent does. */
export function leadsSession(): boolean {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  // Behind the name, which may hold anything: state, parent, group, session.
  const [, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(session) === process.pid;
}
