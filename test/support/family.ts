import { once } from 'node:events';
import { type Forked, type ForkOptions, fork } from '../../src/ipc/meet/fork.ts';
import { watchdog } from './watchdog.ts';

/** Children that a test forks, all of them gone when it is disposed of. */
export class Family {
  readonly #children: Forked[] = [];

  async fork(module: URL, args: readonly string[] = [], options: ForkOptions = {}): Promise<Forked> {
    const child = await watchdog(fork(module, args, options), 'a child to start');
    this.#children.push(child);
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { channel, process } of this.#children) {
      channel.destroy();
      await ended(process, 'SIGKILL');
    }
  }
}

/** How a child ends, after it was sent `kill` if that is given. */
export async function ended(
  child: Forked['process'],
  kill?: NodeJS.Signals,
): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    if (kill !== undefined) child.kill(kill);
    await watchdog(exited, `child ${child.pid} to end`);
  }
  return { code: child.exitCode, signal: child.signalCode };
}
