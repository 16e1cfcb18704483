import { EventEmitter } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ComplaintFormat } from '../../../base/complaint.ts';
import { MAX_TIMEOUT_MS } from '../../../base/deadlines.ts';
import { ArgumentError, checkInteger, describe, IoliteError } from '../../../base/error.ts';
import type { CacheView } from '../../../file/cache/cache-view.ts';
import type { Channel } from '../../../ipc/channel.ts';
import { HangDetector } from '../../../ipc/meet/hang-detector.ts';
import { programFile } from '../../../ipc/meet/program-file.ts';
import { Supervisor, type Worker, type WorkerExit } from '../../../ipc/meet/supervisor.ts';
import type { RequestHandler } from '../../../ipc/responder.ts';
import { eventChannel } from '../../../observe/events.ts';
import { observe, type Sample } from '../../../observe/sources.ts';

/** Which application runs, and how often. */
export interface AppProcessesOptions {
  /** Path or file URL of the application's module; see {@link AppHandler}. */
  readonly module: string | URL;
  /** Processes. Default 1. */
  readonly workers?: number | undefined;
  /**
   * Milliseconds that a process may be stuck, its event loop not turning: then it is killed, and started
   * anew. Default 30,000.
   */
  readonly hangTimeout?: number | undefined;
  /** What it is called in metrics. Default: its module, as it was given. */
  readonly name?: string | undefined;
  /** How requests that it fails at are said on stderr: a text, or an object of JSON a line. Default text. */
  readonly complaints?: ComplaintFormat | undefined;
}

const MAX_WORKERS = 256;
const restarted = eventChannel('iolite:application:restart');

/** What an application is called in metrics. */
export function appNameOf({ name, module }: AppProcessesOptions): string {
  return name ?? String(module);
}

function appProgram(): URL {
  const name = import.meta.url.endsWith('.ts') ? '../app-side/app-process.ts' : '../app-side/app-process.js';
  return new URL(name, import.meta.url);
}

/**
 * The processes of an application, each started anew when it ends; later each time if it keeps ending.
 * Servers connect to {@link addresses}.
 *
 * Emits 'serving' with its address when a process takes requests, 'stuck' with the process id of one that is
 * killed for it, 'exit' when one has ended, and 'failing' when none can be started.
 */
export class AppProcesses extends EventEmitter<{
  /** A process takes requests, at this address. */
  serving: [address: string];
  /** A process has not answered for longer than `hangTimeout`, and is ended. */
  stuck: [pid: number];
  /** A process has ended. */
  exit: [exit: WorkerExit];
  /** None can be started: why the last one failed. */
  failing: [error: Error];
}> {
  readonly #supervisor: Supervisor;
  readonly #hangTimeout: number;
  readonly #addresses = new WeakMap<Worker, string>();

  readonly #files: CacheView | undefined;
  readonly #name: string;

  /**
   * Nothing runs before {@link start}.
   * @param files that the application may read through `request.cache`. Stays the caller's, to be closed when
   *   the processes have ended
   * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
   */
  constructor(options: AppProcessesOptions, files?: CacheView) {
    super();
    const { module, workers = 1, hangTimeout = 30_000, complaints = 'text' } = options;
    this.#files = files;
    this.#name = appNameOf(options);
    if (typeof module !== 'string' && !(module instanceof URL)) {
      throw new ArgumentError(
        `Cannot run application: a path or URL is wanted as its module, ${describe(module)} was given`,
      );
    }
    checkInteger(workers, 'workers', 1, MAX_WORKERS);
    checkInteger(hangTimeout, 'hangTimeout', 1, MAX_TIMEOUT_MS);
    this.#hangTimeout = hangTimeout;
    const isUrl = module instanceof URL || module.startsWith('file:');
    this.#supervisor = new Supervisor({
      module: programFile('Cannot run application', appProgram),
      args: [
        isUrl ? fileURLToPath(module) : module,
        complaints,
        ...(files === undefined ? [] : [files.root]),
      ],
      descriptors: Array.from({ length: workers }, () => []),
      title: 'Application process',
      connect: worker => this.#connect(worker),
    });
    observe('application', this, AppProcesses.#samplesOf);
    this.#supervisor.on('serving', worker => this.emit('serving', this.#addresses.get(worker) as string));
    this.#supervisor.on('exit', exit => this.#exited(exit));
    this.#supervisor.on('failing', error => this.emit('failing', error));
  }

  static #samplesOf(app: AppProcesses): readonly Sample[] {
    const { restarts } = app.#supervisor;
    return [{ labels: { application: app.#name }, figures: { restarts } }];
  }

  /** Where the processes that take requests now listen. */
  get addresses(): string[] {
    return this.workers.flatMap(worker => this.#addresses.get(worker) ?? []);
  }

  /** @internal */
  get workers(): readonly Worker[] {
    return this.#supervisor.workers;
  }

  /** Whether there is a process that takes requests. */
  get isServing(): boolean {
    return this.#supervisor.serving.length > 0;
  }

  /** Resolves when all take requests, or are failing; or on close(). @throws ERR_IOLITE_CLOSED */
  start(): Promise<void> {
    return this.#supervisor.start();
  }

  /**
   * Lets them answer what they have, and ends them: after 10 seconds, or at once with `force`, whatever they
   * do.
   */
  close(options: { readonly force?: boolean } = {}): Promise<void> {
    return this.#supervisor.close(options);
  }

  /** For `await using`: see {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Resolves when the process has said where it listens.
   * @throws why it does not, in the application's words
   */
  #connect(worker: Worker): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#listen(worker.channel, ({ head, body }) => {
        body?.release();
        const { address, reason } = (head ?? {}) as { address?: unknown; reason?: unknown };
        if (typeof reason === 'string') reject(new IoliteError('ERR_IOLITE_APPLICATION', reason));
        if (typeof address === 'string') {
          this.#addresses.set(worker, address);
          new HangDetector(worker.channel, this.#hangTimeout, () => this.#end(worker));
          resolve();
        }
        return {};
      });
    });
  }

  /** Answers what a process asks, and what it asks of the cache. */
  #listen(channel: Channel, handler: RequestHandler): void {
    if (this.#files === undefined) channel.onRequest(handler);
    else this.#files.serve(channel, { otherwise: handler });
  }

  #exited(exit: WorkerExit): void {
    const { reason, restartsIn: delay } = exit;
    if (delay !== undefined && restarted.hasSubscribers)
      restarted.publish({ application: this.#name, reason, delay });
    this.emit('exit', exit);
  }

  /** Kills a process that is stuck. */
  #end({ pid }: Worker): void {
    this.emit('stuck', pid);
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has just ended by itself.
    }
  }
}
