import type { OwnedFileCache } from '../../file/cache/owned-cache.ts';
import type { ProxyAddresses } from '../../http/proxy/proxy-host.ts';
import type { WorkerExit } from '../../ipc/meet/supervisor.ts';
import { complain, UserError } from '../user-error.ts';
import { Generation } from './generation.ts';
import type { ServePlan } from './serve-plan.ts';
import { StatusReader } from './status-reader.ts';

/**
 * The process that `iolite serve` is: has the cache and the port, and a generation of processes that serve.
 */
export class Primary {
  readonly #cache: OwnedFileCache;
  readonly #listeners: readonly number[];
  readonly #status: StatusReader;
  readonly #proxy: ProxyAddresses | undefined;
  readonly #failing: (error: Error) => void;
  #current: Generation | undefined;
  /** The current one, those that were replaced and have not ended, and one that is to replace it. */
  readonly #running = new Set<Generation>();
  #reloading: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  /**
   * @param listeners listening sockets, one a worker; they stay the caller's
   * @param proxy where the proxy listens, if there is one
   * @param failing told when no worker can be started any more
   */
  constructor(
    cache: OwnedFileCache,
    listeners: readonly number[],
    proxy: ProxyAddresses | undefined,
    failing: (error: Error) => void,
  ) {
    this.#cache = cache;
    this.#listeners = listeners;
    this.#proxy = proxy;
    this.#failing = failing;
    this.#status = new StatusReader(cache, {
      workers: () => this.#current?.workers ?? [],
      applications: () => this.#current?.applications ?? [],
    });
  }

  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /** Resolves when the first generation serves, or on close(). @throws UserError */
  async start(plan: ServePlan): Promise<void> {
    this.#current = this.#generation(plan);
    await this.#current.start();
  }

  /**
   * Starts a generation by a new plan in place of the current one, which ends in its own time. One after the
   * other.
   * @param read makes the plan; when it fails, or the new processes do not come up, the current ones go on
   */
  reload(read: () => Promise<ServePlan>): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload(read));
    return this.#reloading;
  }

  /** Has the log's file opened anew, for it was renamed. */
  reopenLog(): void {
    for (const generation of this.#running) generation.reopenLog();
  }

  /** Ends all of it: lets responses finish, unless `force`. */
  close(options: { readonly force?: boolean } = {}): Promise<void> {
    this.#closing ??= this.#close();
    if (options.force === true)
      for (const generation of this.#running) void generation.close({ force: true });
    return this.#closing;
  }

  async #close(): Promise<void> {
    // The caller's assignment of this promise comes first.
    await Promise.resolve();
    await Promise.all([...this.#running].map(generation => generation.close()));
    await this.#reloading;
  }

  async #reload(read: () => Promise<ServePlan>): Promise<void> {
    if (this.closing) return;
    try {
      const plan = await read();
      if (this.closing) return;
      const next = this.#generation(plan);
      await next.start();
      const previous = this.#current;
      this.#current = next;
      // What began to close meanwhile did not know of it.
      if (this.closing) await next.close();
      else void previous?.retire().then(() => this.#running.delete(previous));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      complain(`Cannot reload: ${error.message}`);
      return;
    }
    if (!this.closing) console.log('Reloaded');
  }

  #generation(plan: ServePlan): Generation {
    const generation = new Generation(plan, this.#proxy, {
      cache: this.#cache,
      listeners: this.#listeners,
      status: () => this.#status.read(),
      exited: reportExit,
      failing: error => generation === this.#current && this.#failing(error),
    });
    this.#running.add(generation);
    return generation;
  }
}

function reportExit({ reason, restartsIn }: WorkerExit): void {
  if (restartsIn === undefined) return;
  complain(`${reason}; another starts${restartsIn === 0 ? '' : ` in ${restartsIn} ms`}`);
}
