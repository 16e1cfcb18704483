import { type SpawnedThread, spawnThread, type ThreadOptions } from '../../src/ipc/meet/thread.ts';
import { watchdog } from './watchdog.ts';

/** Threads that a test spawns, all of them gone when it is disposed of. */
export class Threads {
  readonly #threads: SpawnedThread[] = [];

  async spawn(
    module: URL,
    args: readonly string[] = [],
    options: ThreadOptions = {},
  ): Promise<SpawnedThread> {
    const spawned = await watchdog(spawnThread(module, args, options), 'a thread to start');
    this.#threads.push(spawned);
    return spawned;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { thread } of this.#threads) await watchdog(thread.terminate(), 'a thread to end');
  }
}
