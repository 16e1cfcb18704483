import { EventEmitter } from 'node:events';
import { Aggregate } from '../../aggregate/aggregate.ts';
import { Deadlines, MAX_TIMEOUT_MS } from '../../base/deadlines.ts';
import { ArgumentError, checkInteger, describe, IoliteError } from '../../base/error.ts';
import type { Json } from '../../base/json.ts';
import { type Figures, observe } from '../../observe/sources.ts';
import { WaitQueue } from '../flow/wait-queue.ts';
import { PoolTask, type TaskHost, type TaskOutcome } from './pool-task.ts';
import type { PoolWorker, PoolWorkerInfo } from './pool-worker.ts';
import { SignalTasks } from './signal-tasks.ts';
import { type TaskResult, taskHead } from './task-message.ts';
import { TaskTimes, type TimeSummary } from './task-times.ts';
import { checkValue } from './task-value.ts';
import { type WorkerPoolOptions, type WorkerPoolSettings, workerSettingsOf } from './worker-pool-options.ts';
import { type PoolWorkerExit, WorkerStaff } from './worker-staff.ts';

/** What a task is run with, and by. */
export interface RunOptions {
  /**
   * Passed by reference. Stays the caller's, who may release or change it at once.
   */
  readonly body?: Aggregate | undefined;
  /**
   * Ends the wait with its reason. A task that waits is never run; one that runs sees its own `signal`
   * aborted, and has `abortTimeout` to end.
   */
  readonly signal?: AbortSignal | undefined;
  /** Which function of the module runs it, by the name of its export. Default 'default'. */
  readonly name?: string | undefined;
}

/** How a pool is closed. */
export interface ClosePoolOptions {
  /** Refuse the tasks that wait, too. */
  readonly force?: boolean;
  /** Milliseconds after which what is left is destroyed. Default 30,000. */
  readonly limit?: number;
}

/** What a pool has and has done. */
export interface WorkerPoolStats {
  /** That serve. */
  readonly workers: number;
  /** That were started and do not serve yet. */
  readonly starting: number;
  /** Tasks that workers have, aborted ones that go on included. */
  readonly running: number;
  /** Tasks that wait for a worker. */
  readonly queued: number;
  /** Tasks that gave a result. */
  readonly completed: number;
  /** Tasks that threw, or lost their worker. */
  readonly failed: number;
  /** Tasks whose signal was aborted before they were done. */
  readonly aborted: number;
  /** Workers that died. */
  readonly deaths: number;
}

const CLOSE_LIMIT_MS = 30_000;

/**
 * Workers, threads or processes, that run tasks: functions of a module. Tasks are JSON, and have aggregates
 * that go there and come back by reference. See {@link createWorkerPool}.
 *
 * Emits 'serving' when a worker takes tasks, 'exit' when one has ended or could not be started, 'failing'
 * with the last reason while none can be started, and 'drain' when no task waits any more.
 */
export class WorkerPool extends EventEmitter<{
  serving: [worker: PoolWorkerInfo];
  exit: [exit: PoolWorkerExit];
  failing: [error: Error];
  drain: [];
}> {
  readonly #settings: WorkerPoolSettings;
  readonly #queue: WaitQueue<PoolWorker>;
  readonly #staff: WorkerStaff;
  readonly #signals = new SignalTasks();
  readonly #idle: Deadlines;
  readonly #waiting = new TaskTimes();
  readonly #running = new TaskTimes();
  readonly #counts = { completed: 0, failed: 0, aborted: 0 };
  /** Those that were aborted and go on. */
  readonly #overtime = new Map<PoolTask, NodeJS.Timeout>();
  /** Keeps this process alive while tasks are not done: workers do not. */
  readonly #alive = setInterval(() => {}, MAX_TIMEOUT_MS).unref();
  /** Tasks that are not done. */
  #open = 0;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  #limit: NodeJS.Timeout | undefined;

  /**
   * Use {@link createWorkerPool}.
   * @internal
   */
  constructor(settings: WorkerPoolSettings) {
    super();
    this.#settings = settings;
    this.#idle = new Deadlines(settings.idleTimeout);
    this.#queue = new WaitQueue(undefined, Number.POSITIVE_INFINITY, noneFree);
    this.#staff = new WorkerStaff(settings, {
      wanted: () => this.#queue.size,
      serving: worker => this.#serving(worker),
      exit: exit => this.emit('exit', exit),
      failing: error => {
        this.#queue.refuseAll(error);
        this.emit('failing', error);
      },
      idle: worker => this.#idleTooLong(worker),
    });
    this.#staff.grow();
    observe('workers', this, WorkerPool.#figuresOf);
  }

  static #figuresOf(pool: WorkerPool): Figures | undefined {
    return pool.#closing !== undefined && pool.#open === 0 ? undefined : { ...pool.stats() };
  }

  /** Tasks that wait for a worker. */
  get queueSize(): number {
    return this.#queue.size;
  }

  /** Those that serve now. */
  get workers(): readonly PoolWorkerInfo[] {
    return this.#staff.workers;
  }

  /** How long tasks waited for a worker, and how long a worker had them, both ways included. */
  get histogram(): { readonly waiting: TimeSummary; readonly running: TimeSummary } {
    return { waiting: this.#waiting.summary, running: this.#running.summary };
  }

  /** How many workers and tasks there are now, and how tasks have ended so far. O(1). */
  stats(): WorkerPoolStats {
    const { workers, starting, deaths } = this.#staff;
    const queued = this.#queue.size;
    const running = this.#open - queued;
    return { workers: workers.length, starting, running, queued, ...this.#counts, deaths };
  }

  /**
   * Runs a task in a worker that has room; it waits until one has.
   * @param task what the function is given: JSON, copied; at most 1 MiB of it
   * @returns what the function gives: JSON, an aggregate, or an object with one as `body`. The caller
   *   releases the aggregate
   * @throws TaskError: what the function threw, with its `code` or ERR_IOLITE_REMOTE; the signal's reason;
   *   ERR_IOLITE_PEER when the worker died; ERR_IOLITE_BUSY when too many wait; ERR_IOLITE_CLOSED; why no
   *   worker can be started; for the task and its body ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE,
   *   ERR_IOLITE_ACCESS,
   *   ERR_IOLITE_UNSUPPORTED and ERR_IOLITE_RELEASED
   */
  run<Result = TaskResult>(task?: Json, options: RunOptions = {}): Promise<Result> {
    return new Promise<TaskResult>((resolve, reject) => {
      const { body, signal, name } = checkRun(task, options);
      if (this.#closing !== undefined) throw closedError();
      signal?.throwIfAborted();
      const made = new PoolTask(this.#host, taskHead(task, name), body, signal, { resolve, reject });
      const worker = this.#queue.size === 0 ? this.#staff.leastLoaded() : undefined;
      if (worker === undefined) {
        if (this.#queue.size >= this.#settings.maxQueue + this.#staff.comingPlaces) throw noneFree();
        made.keep();
      }
      this.#opened();
      if (signal !== undefined) this.#signals.add(signal, made);
      if (worker !== undefined) this.#give(worker, made);
      else if (this.#queue.enter(made)) this.#staff.grow();
    }) as Promise<Result>;
  }

  /**
   * Runs what was handed in, then ends the workers. Resolves when none is left. To call it again is to urge
   * it: the last limit counts.
   */
  close({ force = false, limit = CLOSE_LIMIT_MS }: ClosePoolOptions = {}): Promise<void> {
    checkInteger(limit, 'limit', 0, MAX_TIMEOUT_MS);
    this.#closing ??= this.#close();
    if (force) this.#queue.refuseAll(closedError());
    clearTimeout(this.#limit);
    this.#limit = setTimeout(() => this.#destroyNow(), limit);
    return this.#closing;
  }

  /** Ends the workers now. Tasks fail with ERR_IOLITE_CLOSED. */
  destroy(): Promise<void> {
    const closing = this.close();
    this.#destroyNow();
    return closing;
  }

  /** As {@link close}, without a limit of the caller's. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#staff.keepOnly();
    if (this.#open > 0) {
      await new Promise<void>(resolve => {
        this.#drained = resolve;
      });
    }
    await this.#staff.retireAll();
    this.#idle.end();
    clearTimeout(this.#limit);
    clearInterval(this.#alive);
  }

  #destroyNow(): void {
    const reason = closedError();
    this.#queue.refuseAll(reason);
    this.#staff.killAll(reason);
  }

  #opened(): void {
    this.#open += 1;
    if (this.#open === 1) this.#alive.ref();
  }

  #closed(): void {
    this.#open -= 1;
    if (this.#open > 0) return;
    this.#alive.unref();
    this.#drained?.();
  }

  #give(worker: PoolWorker, task: PoolTask): void {
    this.#idle.met(worker);
    task.start(worker);
  }

  #serving(worker: PoolWorker): void {
    this.emit('serving', worker);
    this.#refill(worker);
  }

  /** Gives a worker what waits, as far as it has room; or notes that it is idle. */
  #refill(worker: PoolWorker): void {
    while (this.#queue.size > 0 && worker.hasRoom) {
      this.#idle.met(worker);
      this.#queue.admit(worker);
      if (this.#queue.size === 0) this.emit('drain');
    }
    if (worker.inFlight === 0 && worker.hasRoom && !worker.isDue) this.#idle.set(worker);
  }

  #idleTooLong(worker: PoolWorker): void {
    if (worker.inFlight === 0) this.#staff.retire(worker);
  }

  readonly #host: TaskHost = {
    began: waited => this.#waiting.add(waited),
    left: task => {
      this.#queue.leave(task);
      this.#closed();
    },
    aborting: (task, worker) => {
      const { abortTimeout } = this.#settings;
      if (abortTimeout === undefined) return;
      this.#overtime.set(
        task,
        setTimeout(() => this.#staff.dismiss(worker, overtimeError(abortTimeout)), abortTimeout),
      );
    },
    settled: (task, outcome: TaskOutcome) => {
      this.#counts[outcome] += 1;
      if (task.signal !== undefined) this.#signals.delete(task.signal, task);
    },
    done: (task, worker, ran) => {
      this.#running.add(ran);
      if (this.#overtime.size > 0) {
        clearTimeout(this.#overtime.get(task));
        this.#overtime.delete(task);
      }
      worker.inFlight -= 1;
      this.#closed();
      this.#refill(worker);
    },
  };
}

/**
 * Makes a pool of workers, threads or processes, that run tasks: functions that a module exports.
 *
 * ```js
 * // count.js
 * export default function ({ byte }, { body }) {
 *   let count = 0;
 *   for (const view of body.views()) for (const each of view) if (each === byte) count += 1;
 *   return count;
 * }
 * ```
 *
 * @param module a path or file URL. A function has the task, and `{ body, signal }`; it gives JSON, an
 *   aggregate, or an object with an aggregate as `body`, or a promise of one of these. The task's body is
 *   released when it is done
 * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE. That a module cannot be loaded is what run() fails with
 */
export function createWorkerPool(module: string | URL, options?: WorkerPoolOptions): WorkerPool {
  return new WorkerPool(workerSettingsOf(module, options));
}

function checkRun(task: unknown, options: RunOptions): RunOptions {
  if (typeof options !== 'object' || options === null) throw unfit('options', 'an object', options);
  const { body, signal, name } = options;
  if (body !== undefined && !(body instanceof Aggregate)) throw unfit('body', 'an Aggregate', body);
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw unfit('signal', 'an AbortSignal', signal);
  if (name !== undefined && typeof name !== 'string') throw unfit('name', 'a string', name);
  checkValue(task, 'task');
  return options;
}

function unfit(what: string, wanted: string, given: unknown): ArgumentError {
  return new ArgumentError(`Cannot run task: ${wanted} is wanted as ${what}, ${describe(given)} was given`);
}

function noneFree(): IoliteError {
  return new IoliteError('ERR_IOLITE_BUSY', 'Cannot run task: too many wait for a worker', {
    mayRetry: true,
  });
}

function closedError(): IoliteError {
  return new IoliteError('ERR_IOLITE_CLOSED', 'Cannot run task: the pool of workers is closed');
}

function overtimeError(limit: number): IoliteError {
  return new IoliteError(
    'ERR_IOLITE_PEER',
    `The worker was ended: a task that was aborted went on for more than ${limit} ms`,
  );
}
