import type { Json } from '../../base/json.ts';
import type { CacheView } from '../../file/cache/cache-view.ts';
import type { OwnedFileCache } from '../../file/cache/owned-cache.ts';
import { AppProcesses } from '../../http/app/server-side/app-processes.ts';
import type { ProxyAddresses } from '../../http/proxy/proxy-host.ts';
import { appViewOptions } from '../../http/server/app-view.ts';
import { type CloseOptions, Supervisor, type Worker, type WorkerExit } from '../../ipc/meet/supervisor.ts';
import { complain } from '../complain.ts';
import { UserError } from '../user-error.ts';
import type { PlannedApp } from './content-plan.ts';
import type { PlaceRole } from './listen/listening-places.ts';
import type { LogTrouble, LogTroubles } from './log-troubles.ts';
import { workerOptions } from './serve-defaults.ts';
import { type ServePlan, WORKER_MODULE } from './serve-plan.ts';
import { WorkerMessage } from './worker-message.ts';
import type { WorkerSettings } from './worker-settings.ts';

/** Listening sockets that workers inherit. */
export interface InheritedPlaces {
  /** Those of each worker. */
  readonly listeners: readonly (readonly number[])[];
  /** What the connections of each socket of a worker are for. */
  readonly roles: readonly PlaceRole[];
}

/** What generations share. */
export interface GenerationHost {
  readonly cache: OwnedFileCache;
  readonly inherited: InheritedPlaces;
  /** Keys of session tickets, unless settings have some. */
  ticketKeys(): readonly string[];
  /** Whether what other machines have is here, or none of it is waited for. */
  isWarm(): boolean;
  /** What a worker, which a channel stands for, tells of its log. */
  readonly logTroubles: LogTroubles;
  /** A process has ended. */
  exited(exit: WorkerExit): void;
  /** No worker can be started any more. */
  failing(error: Error): void;
}

/** That responses of a generation that was replaced may take: as long as a download does. */
const RETIREMENT_MS = 3600_000;

/** The processes that run by one reading of the configuration: workers, and those of the application. */
export class Generation {
  readonly plan: ServePlan;
  readonly #settings: Omit<WorkerSettings, 'addresses' | 'warming'>;
  readonly #host: GenerationHost;
  readonly #workers: Supervisor;
  readonly #apps: readonly AppProcesses[];
  /** What these may read of the cache. */
  readonly #views: CacheView[] = [];
  readonly #confinedRoots: readonly string[] | undefined;
  #trouble: Error | undefined;
  #started = false;

  /**
   * @param plan what it is started with
   * @param proxies where those of its origins listen
   */
  constructor(plan: ServePlan, proxies: readonly ProxyAddresses[], host: GenerationHost) {
    const { apps, settings, files, confinedRoots } = plan;
    this.plan = plan;
    this.#settings = { ...settings, proxies, roles: host.inherited.roles };
    this.#confinedRoots = confinedRoots;
    this.#host = host;
    this.#workers = new Supervisor({
      module: WORKER_MODULE,
      execArgv: workerOptions(),
      files,
      descriptors: host.inherited.listeners,
      connect: worker => this.#connect(worker),
    });
    this.#workers.on('exit', exit => this.#exited(exit));
    this.#workers.on('failing', error => {
      if (this.#started) host.failing(noStart('no worker starts', error));
      else this.#trouble ??= noStart('no worker starts', error);
    });
    this.#apps = apps.map((app, index) => this.#processesOf(app, index));
  }

  /** Whether it serves: its workers, and its applications. */
  get isServing(): boolean {
    return this.#started && this.serving.length > 0 && this.#apps.every(({ isServing }) => isServing);
  }

  get workers(): readonly Worker[] {
    return this.#workers.workers;
  }

  /** Those workers that accept connections. */
  get serving(): readonly Worker[] {
    return this.#workers.serving;
  }

  get applications(): readonly Worker[] {
    return this.#apps.flatMap(app => app.workers);
  }

  /**
   * Resolves when all of it serves, or on close(). @throws UserError when it does not come up; it is closed
   * then
   */
  async start(): Promise<void> {
    await Promise.all(this.#apps.map(app => app.start()));
    if (this.#trouble === undefined && !this.#workers.closing) await this.#workers.start();
    this.#started = true;
    if (this.#trouble === undefined) return;
    await this.close({ force: true });
    throw this.#trouble;
  }

  /** Ends it, as Supervisor.close() does: first the workers, who may wait for the application. */
  async close(options: CloseOptions = {}): Promise<void> {
    const { force = false } = options;
    if (force) for (const app of this.#apps) void app.close({ force });
    await this.#workers.close({ limit: this.#settings.drainTime, ...options });
    await Promise.all(this.#apps.map(app => app.close()));
    for (const view of this.#views) view.close();
  }

  /** Has workers say that no more requests should be sent here, though they answer those that come. */
  leave(): void {
    this.#tell({ type: WorkerMessage.LEAVING });
  }

  /** Tells workers that what other machines have is here. */
  setWarm(): void {
    this.#tell({ type: WorkerMessage.WARM });
  }

  /** Has workers count how long answers take, for some seconds. */
  watch(): void {
    this.#tell({ type: WorkerMessage.WATCHED });
  }

  /** Has the log's file opened anew. */
  reopenLog(): void {
    this.#tell({ type: WorkerMessage.REOPEN });
  }

  /** Gives workers new keys of session tickets, unless their settings have some. */
  setTicketKeys(keys: readonly string[]): void {
    if (this.#hasOwnKeys) return;
    this.#tell({ type: WorkerMessage.TICKET_KEYS, keys: [...keys] });
  }

  /** Lets it end in its own time: another one has taken its place. */
  retire(): Promise<void> {
    return this.close({ signal: 'SIGUSR2', limit: RETIREMENT_MS });
  }

  /** Shares the cache with a worker. Resolves when the worker serves. */
  #connect({ channel }: Worker): Promise<void> {
    return new Promise(resolve => {
      const roots = this.#confinedRoots ?? [];
      const { logTroubles } = this.#host;
      channel.once('close', () => logTroubles.forget(channel));
      this.#host.cache.serve(channel, {
        // Links that lead out are followed only where that is wanted.
        ...(roots.length === 0 ? {} : { root: roots }),
        otherwise: async ({ head, body }) => {
          body?.release();
          const { type } = (head ?? {}) as { type?: string };
          if (type === WorkerMessage.SERVING) resolve();
          if (type === WorkerMessage.LOG) logTroubles.told(channel, head as LogTrouble);
          return type === WorkerMessage.SETTINGS ? { head: this.#settingsNow() } : {};
        },
      });
    });
  }

  get #hasOwnKeys(): boolean {
    return (this.#settings.tls?.ticketKeys.length ?? 0) > 0;
  }

  #processesOf({ options, view }: PlannedApp, index: number): AppProcesses {
    const files = view && this.#host.cache.view(appViewOptions(view));
    if (files !== undefined) this.#views.push(files);
    const app = new AppProcesses(options, files);
    app.on('exit', exit => this.#exited(exit));
    app.on('stuck', pid => complain(`Application process ${pid} is stuck, and is ended`));
    // Once it runs, files and what answers without it are served on, and the application is tried again.
    app.on('failing', error => {
      if (!this.#started) this.#trouble ??= noStart('the application does not start', error);
    });
    app.on('serving', address => this.#tell({ type: WorkerMessage.APPLICATION, app: index, address }));
    return app;
  }

  #exited(exit: WorkerExit): void {
    // What does not come up at all is told once, with the reason.
    if (this.#started) this.#host.exited(exit);
  }

  #tell(head: Json): void {
    for (const { channel } of this.#workers.workers) channel.request({ head }).catch(() => {});
  }

  #settingsNow(): Json {
    const { tls } = this.#settings;
    const shared =
      tls !== undefined && !this.#hasOwnKeys ? { tls: { ...tls, ticketKeys: this.#host.ticketKeys() } } : {};
    const settings: WorkerSettings = {
      ...this.#settings,
      ...shared,
      addresses: this.#apps.map(app => app.addresses),
      warming: !this.#host.isWarm(),
    };
    return settings as unknown as Json;
  }
}

function noStart(what: string, { message }: Error): UserError {
  return new UserError(`${what}. ${message}`);
}
