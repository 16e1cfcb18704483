import { ignore } from '../../base/ignore.ts';
import type { OwnedFileCache } from '../../file/cache/owned-cache.ts';
import type { WorkerExit } from '../../ipc/meet/supervisor.ts';
import type { PoolHolder } from '../../memory/chunk-holdings.ts';
import { TicketKeyRing } from '../../network/tls/ticket-key-ring.ts';
import { complain, notify } from '../complain.ts';
import { UserError } from '../user-error.ts';
import { Generation, type InheritedPlaces } from './generation.ts';
import type { InspectorReader } from './inspect/inspector-reader.ts';
import { LogTroubles } from './log-troubles.ts';
import type { MetricsReader } from './observe/metrics-reader.ts';
import type { Origins } from './origins.ts';
import { RootWatch } from './root-watch.ts';
import type { ServePlan } from './serve-plan.ts';
import { WorkerMessage } from './worker-message.ts';

/**
 * The process that `iolite serve` is: has the cache and the port, and a generation of processes that serve.
 */
export class Primary {
  readonly #cache: OwnedFileCache;
  readonly #inherited: InheritedPlaces;
  readonly #holders: () => readonly PoolHolder[];
  readonly #origins: Origins;
  readonly #roots: RootWatch;
  readonly #failing: (error: Error) => void;
  readonly #logTroubles = new LogTroubles();
  /** For sessions to go on with any worker, of any generation. */
  readonly #ticketKeys = new TicketKeyRing(keys => {
    for (const generation of this.#running) generation.setTicketKeys(keys);
  });
  #metrics: Promise<MetricsReader> | undefined;
  #inspection: Promise<InspectorReader> | undefined;
  #isLeaving = false;
  /** Whether what the origins' proxies get from other machines at the start has come. */
  #isWarm = false;
  #current: Generation | undefined;
  /** The current one, those that were replaced and have not ended, and one that is to replace it. */
  readonly #running = new Set<Generation>();
  #reloading: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  /**
   * @param inherited listening sockets of the workers; they stay the caller's
   * @param origins the proxies; they stay the caller's
   * @param holders who holds chunks of the cache's pool
   * @param failing told when no worker can be started any more
   */
  constructor(
    cache: OwnedFileCache,
    holders: () => readonly PoolHolder[],
    inherited: InheritedPlaces,
    origins: Origins,
    failing: (error: Error) => void,
  ) {
    this.#cache = cache;
    this.#inherited = inherited;
    this.#origins = origins;
    // The new place is another one to the kernel: workers are confined anew.
    this.#roots = new RootWatch(() => void this.#followRoots());
    this.#failing = failing;
    this.#holders = holders;
  }

  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /** Whether requests should be sent here. */
  get isReady(): boolean {
    return this.#isWarm && !this.#isLeaving && !this.closing && this.#current?.isServing === true;
  }

  /** Whether all workers that serve answer within a time in milliseconds. One that has just ended does. */
  async answers(limit: number): Promise<boolean> {
    const asked = (this.#current?.serving ?? []).map(({ channel }) =>
      channel.request({ head: { type: WorkerMessage.ALIVE } }, { timeout: limit }).then(
        () => true,
        ({ code }: NodeJS.ErrnoException) => code !== 'ERR_IOLITE_TIMEOUT',
      ),
    );
    return (await Promise.all(asked)).every(each => each);
  }

  /** What all processes tell of themselves, in Prometheus' text format. Loads what reads it at first. */
  async metrics(): Promise<string> {
    return (await this.#metricsReader()).read();
  }

  /** What shows the state of all this. Made when somebody looks first. */
  inspection(): Promise<InspectorReader> {
    this.#inspection ??= this.#inspect();
    return this.#inspection;
  }

  /** Resolves when the first generation serves, or on close(). @throws UserError */
  async start(plan: ServePlan): Promise<void> {
    for (const warning of plan.warnings) complain(warning);
    const generation = await this.#generation(plan);
    this.#current = generation;
    void this.#origins.warmed().then(() => this.#warmed());
    await generation.start();
    await this.#watchRoots(plan);
  }

  /**
   * Starts a generation by a new plan in place of the current one, which ends in its own time. One after the
   * other.
   * @param read makes the plan; when it fails, or the new processes do not come up, the current ones go on
   * @returns why they do; undefined when the new plan is followed, or all of it is about to end
   */
  reload(read: () => Promise<ServePlan>): Promise<string | undefined> {
    const reloaded = this.#reloading.then(() => this.#reload(read));
    this.#reloading = reloaded.then(ignore);
    return reloaded;
  }

  /** Has workers say that no more requests should be sent here. */
  leave(): void {
    this.#isLeaving = true;
    for (const generation of this.#running) generation.leave();
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

  #metricsReader(): Promise<MetricsReader> {
    const running = (): readonly Generation[] => [...this.#running];
    this.#metrics ??= import('./observe/metrics-reader.ts').then(
      ({ MetricsReader }) =>
        new MetricsReader({
          workers: () => running().flatMap(({ workers }) => workers),
          applications: () => running().flatMap(({ applications }) => applications),
        }),
    );
    return this.#metrics;
  }

  async #inspect(): Promise<InspectorReader> {
    const { InspectorReader } = await import('./inspect/inspector-reader.ts');
    const metrics = await this.#metricsReader();
    return new InspectorReader({
      cache: this.#cache,
      holders: this.#holders,
      readings: () => {
        this.#current?.watch();
        return metrics.readings();
      },
      applications: () => this.#current?.applications.map(({ pid }) => pid) ?? [],
      isReady: () => this.isReady,
    });
  }

  async #close(): Promise<void> {
    // The caller's assignment of this promise comes first.
    await Promise.resolve();
    this.#roots.close();
    this.#ticketKeys[Symbol.dispose]();
    await Promise.all([...this.#running].map(generation => generation.close()));
    await this.#reloading;
  }

  async #reload(read: () => Promise<ServePlan>): Promise<string | undefined> {
    if (this.closing) return undefined;
    try {
      const plan = await read();
      if (this.closing) return undefined;
      for (const warning of plan.warnings) complain(warning);
      await this.#replaceBy(plan);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const trouble = `Cannot reload: ${error.message}`;
      complain(trouble);
      return trouble;
    }
    if (!this.closing) notify('Reloaded');
    return undefined;
  }

  async #replaceBy(plan: ServePlan): Promise<void> {
    const next = await this.#generation(plan);
    try {
      await next.start();
    } catch (error) {
      this.#running.delete(next);
      throw error;
    }
    const previous = this.#current;
    this.#current = next;
    // What began to close meanwhile did not know of it.
    if (this.closing) await next.close();
    else {
      await this.#watchRoots(plan);
      void previous?.retire().then(() => this.#over(previous));
    }
  }

  #over(generation: Generation): void {
    this.#running.delete(generation);
    void this.#origins.closeUnused([...this.#running].flatMap(({ plan }) => plan.origins));
  }

  #warmed(): void {
    this.#isWarm = true;
    for (const generation of this.#running) generation.setWarm();
  }

  async #watchRoots({ roots, files }: ServePlan): Promise<void> {
    await this.#roots.watch(files === undefined || this.closing ? [] : roots);
  }

  /** Replaces the workers by others that may open what is served now. */
  #followRoots(): Promise<void> {
    this.#reloading = this.#reloading.then(async () => {
      const plan = this.#current?.plan;
      if (plan === undefined || this.closing) return;
      try {
        await this.#replaceBy(plan);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        complain(`Cannot replace the workers: ${error.message}`);
      }
    });
    return this.#reloading;
  }

  async #generation(plan: ServePlan): Promise<Generation> {
    const proxies = await this.#origins.addressesOf(plan.origins);
    const generation = new Generation(plan, proxies, {
      cache: this.#cache,
      inherited: this.#inherited,
      isWarm: () => this.#isWarm,
      ticketKeys: () => this.#ticketKeys.keys,
      logTroubles: this.#logTroubles,
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
