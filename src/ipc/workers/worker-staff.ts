import { IoliteError } from '../../base/error.ts';
import { RestartPace } from '../meet/restart-pace.ts';
import { PoolWorker, ready } from './pool-worker.ts';
import { startWorker } from './start-worker.ts';
import { TaskError } from './task-failure.ts';
import { readResult } from './task-message.ts';
import type { WorkerPoolSettings } from './worker-pool-options.ts';

/** A worker's end, or that one could not be started. */
export interface PoolWorkerExit {
  /** Of the worker: each start has a number of its own. */
  readonly id: number;
  /** How it ended, for people: "Worker process 123 was killed by SIGKILL". */
  readonly reason: string;
  /** Milliseconds until another one may start in its place; undefined when it was told to end. */
  readonly restartsIn: number | undefined;
}

/** What the staff asks of its pool, and tells it. */
export interface StaffHost {
  /** How many tasks wait for a worker. */
  wanted(): number;
  serving(worker: PoolWorker): void;
  exit(exit: PoolWorkerExit): void;
  /** There is no worker, and none can be started. */
  failing(error: Error): void;
  /** A worker has had nothing to do for a while. */
  idle(worker: PoolWorker): void;
}

/**
 * The workers of a pool: as many as it has to have, and more while tasks wait. One that dies is replaced, if
 * it is needed; later each time if they keep dying before they serve or soon after.
 */
export class WorkerStaff {
  readonly #settings: WorkerPoolSettings;
  readonly #host: StaffHost;
  /** Those that serve. */
  readonly #workers: PoolWorker[] = [];
  /** Those that were started and do not serve yet. */
  readonly #starts = new Set<AbortController>();
  /** From the start of each worker to its end. */
  readonly #lives = new Set<Promise<void>>();
  /** Those that are to end. */
  readonly #leaving = new Set<PoolWorker>();
  readonly #pace = new RestartPace();
  #least: number;
  #notBefore = 0;
  #timer: NodeJS.Timeout | undefined;
  #isKilled = false;
  #lastId = 0;
  #deaths = 0;
  /** Where the next search for a worker begins, so that equals take turns. */
  #turn = 0;

  constructor(settings: WorkerPoolSettings, host: StaffHost) {
    this.#settings = settings;
    this.#host = host;
    this.#least = settings.minWorkers;
  }

  get workers(): readonly PoolWorker[] {
    return this.#workers;
  }

  get starting(): number {
    return this.#starts.size;
  }

  get deaths(): number {
    return this.#deaths;
  }

  /** Tasks that workers will have room for that do not serve yet. */
  get comingPlaces(): number {
    const { maxWorkers, concurrentTasksPerWorker } = this.#settings;
    return (maxWorkers - this.#workers.length) * concurrentTasksPerWorker;
  }

  /** A worker with the fewest tasks of those that have room. */
  leastLoaded(): PoolWorker | undefined {
    const workers = this.#workers;
    let least: PoolWorker | undefined;
    for (let i = 0; i < workers.length; i++) {
      const worker = workers[(this.#turn + i) % workers.length] as PoolWorker;
      if (!worker.hasRoom || worker.inFlight >= (least?.inFlight ?? Number.POSITIVE_INFINITY)) continue;
      least = worker;
      if (worker.inFlight === 0) break;
    }
    this.#turn += 1;
    if (this.#turn >= workers.length) this.#turn = 0;
    return least;
  }

  /** Starts workers as far as they are needed, and may be. */
  grow(): void {
    while (this.#isShort) {
      const wait = this.#notBefore - performance.now();
      if (wait > 0) {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.grow();
        }, wait).unref();
        return;
      }
      const life = this.#live().finally(() => this.#lives.delete(life));
      this.#lives.add(life);
    }
  }

  /** Keeps no more workers from now on than there are tasks for. */
  keepOnly(): void {
    this.#least = 0;
  }

  /** Ends a worker that has nothing to do, if others are enough. */
  retire(worker: PoolWorker): void {
    if (this.#workers.length <= this.#least) return;
    this.#remove(worker);
    this.#leaving.add(worker);
    worker.retire();
  }

  /** Ends a worker now, which is not its fault. */
  dismiss(worker: PoolWorker, reason: Error): void {
    this.#remove(worker);
    this.#leaving.add(worker);
    worker.kill(reason);
    this.grow();
  }

  /** Ends all when they have done what they were asked. */
  async retireAll(): Promise<void> {
    this.#isKilled = true;
    clearTimeout(this.#timer);
    this.#least = 0;
    for (const start of this.#starts) start.abort(closedError());
    for (const worker of [...this.#workers]) this.retire(worker);
    await Promise.all(this.#lives);
  }

  killAll(reason: Error): void {
    this.#isKilled = true;
    for (const start of this.#starts) start.abort(reason);
    for (const worker of [...this.#workers, ...this.#leaving]) {
      this.#remove(worker);
      this.#leaving.add(worker);
      worker.kill(reason);
    }
  }

  get #isShort(): boolean {
    if (this.#isKilled) return false;
    const there = this.#workers.length + this.#starts.size;
    if (there < this.#least) return true;
    const { maxWorkers, concurrentTasksPerWorker } = this.#settings;
    return there < maxWorkers && this.#host.wanted() > this.#starts.size * concurrentTasksPerWorker;
  }

  /** One worker from start to end. Never rejects. */
  async #live(): Promise<void> {
    this.#lastId += 1;
    const id = this.#lastId;
    const worker = await this.#start(id);
    if (worker === undefined) return;
    this.#workers.push(worker);
    this.#pace.served();
    worker.channel.once('close', () => this.#lost(worker));
    this.#host.serving(worker);
    const reason = await worker.end;
    this.#remove(worker);
    if (this.#leaving.delete(worker)) this.#host.exit({ id, reason, restartsIn: undefined });
    else this.#died(id, reason, this.#pace.ended(worker.servedAt));
    this.grow();
  }

  /** @returns undefined when it could not be started */
  async #start(id: number): Promise<PoolWorker | undefined> {
    const { concurrentTasksPerWorker, startTimeout } = this.#settings;
    const controller = new AbortController();
    this.#starts.add(controller);
    try {
      const started = await startWorker(this.#settings, controller.signal);
      await ready(started, startTimeout, readResult);
      const idle = (worker: PoolWorker): void => this.#host.idle(worker);
      return new PoolWorker(id, started, concurrentTasksPerWorker, idle);
    } catch (error) {
      this.#starts.delete(controller);
      if (this.#isKilled) return undefined;
      this.#died(id, (error as Error).message, this.#pace.ended(undefined));
      // A module that cannot be loaded is not waited for.
      if (error instanceof TaskError || this.#pace.isFailing) this.#fails(error as Error);
      this.grow();
      return undefined;
    } finally {
      this.#starts.delete(controller);
    }
  }

  #fails(error: Error): void {
    if (this.#workers.length === 0 && this.#starts.size === 0) this.#host.failing(error);
  }

  #died(id: number, reason: string, restartsIn: number): void {
    this.#deaths += 1;
    this.#notBefore = Math.max(this.#notBefore, performance.now() + restartsIn);
    this.#host.exit({ id, reason, restartsIn });
  }

  /** Its channel is closed: it has ended, or is of no more use. */
  #lost(worker: PoolWorker): void {
    if (!this.#remove(worker)) return;
    worker.kill(new IoliteError('ERR_IOLITE_PEER', 'The worker closed its channel'));
  }

  #remove(worker: PoolWorker): boolean {
    const place = this.#workers.indexOf(worker);
    if (place !== -1) this.#workers.splice(place, 1);
    return place !== -1;
  }
}

function closedError(): IoliteError {
  return new IoliteError('ERR_IOLITE_CLOSED', 'The pool of workers is closed');
}
