import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { MAX_TIMEOUT_MS } from '../../base/deadlines.ts';
import { ArgumentError, checkInteger, describe } from '../../base/error.ts';
import type { FileAccess } from '../../os/confine/landlock.ts';
import { type ChannelOptions, checkChannelOptions } from '../channel-options.ts';

/** What each worker may take of memory. See {@link https://nodejs.org/api/worker_threads.html}. */
export interface WorkerResourceLimits {
  /** The most of its heap of JavaScript. A worker that needs more ends, and fails what it had to do. */
  readonly maxOldGenerationSizeMb?: number;
  /** The most of its stack: how deep calls may go. */
  readonly stackSizeMb?: number;
  /** Threads only. */
  readonly maxYoungGenerationSizeMb?: number;
  /** Threads only. */
  readonly codeRangeSizeMb?: number;
}

/** How a pool runs its workers, and how many. */
export interface WorkerPoolOptions {
  /**
   * What a worker is: a thread of this process, which starts in a third of the time, or a process of its own,
   * whose crash is its own. Default 'thread'.
   */
  readonly kind?: 'thread' | 'process';
  /** Workers that are there without tasks. Default 1. */
  readonly minWorkers?: number;
  /** Default: what the machine has of processors for us, and no less than `minWorkers`. */
  readonly maxWorkers?: number;
  /** Tasks that a worker has at a time. Default 1. More are of use where tasks wait for something. */
  readonly concurrentTasksPerWorker?: number;
  /** Tasks that may wait for a worker; beyond, run() fails with ERR_IOLITE_BUSY. Default 65,536. */
  readonly maxQueue?: number;
  /** Milliseconds after which a worker beyond `minWorkers` ends that has nothing to do. Default 10,000. */
  readonly idleTimeout?: number;
  /** Milliseconds that a worker has to start and to load the module. Default 60,000. */
  readonly startTimeout?: number;
  /**
   * Milliseconds that a task may go on after it was aborted; then its worker is ended, and another one takes
   * its place. Default 1000 where workers have one task at a time; no bound where they have several, for all
   * of them would fail.
   */
  readonly abortTimeout?: number;
  /** Memory that each worker may take. Default: as Node.js has it. */
  readonly resourceLimits?: WorkerResourceLimits;
  /** What the module finds in `process.argv` from the third place on. */
  readonly args?: readonly string[];
  /** Environment of the workers. Default: ours. */
  readonly env?: NodeJS.ProcessEnv;
  /** Options for node itself. Default: ours. */
  readonly execArgv?: readonly string[];
  /** Of both ends of the channels to the workers. */
  readonly channel?: ChannelOptions;
  /** Threads only: what the module sees as `workerData`, beside keys of ours. */
  readonly workerData?: Readonly<Record<string, unknown>>;
  /** Processes only, and so are all that follow: see {@link ForkOptions}. */
  readonly files?: FileAccess;
  /** The directory that they run in. Default: ours. */
  readonly cwd?: string;
  /** Where their output goes. Default 'inherit'. */
  readonly stdio?: 'inherit' | 'ignore' | 'pipe';
  /** The user that they run as, which needs the right to change users. */
  readonly uid?: number;
  /** The group that they run as, likewise. */
  readonly gid?: number;
}

/** Options with their defaults. */
export interface WorkerPoolSettings extends WorkerPoolOptions {
  readonly kind: 'thread' | 'process';
  /** URL of the module. */
  readonly module: string;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly concurrentTasksPerWorker: number;
  readonly maxQueue: number;
  readonly idleTimeout: number;
  readonly startTimeout: number;
}

const MAX_WORKERS = 1024;
/** As many as a channel takes that are not done. */
const MAX_CONCURRENT_TASKS = 1024;

const THREADS_ONLY = ['workerData'] as const;
const PROCESSES_ONLY = ['files', 'cwd', 'stdio', 'uid', 'gid'] as const;
const COMMON = [
  'kind',
  'minWorkers',
  'maxWorkers',
  'concurrentTasksPerWorker',
  'maxQueue',
  'idleTimeout',
  'startTimeout',
  'abortTimeout',
  'resourceLimits',
  'args',
  'env',
  'execArgv',
  'channel',
] as const;
const LIMITS = [
  'maxOldGenerationSizeMb',
  'stackSizeMb',
  'maxYoungGenerationSizeMb',
  'codeRangeSizeMb',
] as const;
const LIMITS_OF_PROCESSES: readonly string[] = LIMITS.slice(0, 2);

/** @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
export function workerSettingsOf(module: string | URL, options: WorkerPoolOptions = {}): WorkerPoolSettings {
  if (typeof options !== 'object' || options === null) throw refusal('options are', options);
  const { kind = 'thread', concurrentTasksPerWorker = 1 } = options;
  if (kind !== 'thread' && kind !== 'process') throw refusal("'thread' or 'process' is", kind, 'as kind');
  checkNames(options, kind);
  checkTypes(options);
  checkLimits(options.resourceLimits, kind);
  checkChannelOptions(options.channel);
  const { minWorkers = Math.min(1, options.maxWorkers ?? 1) } = options;
  checkInteger(minWorkers, 'minWorkers', 0, MAX_WORKERS);
  const { maxWorkers = Math.max(minWorkers, availableParallelism()) } = options;
  checkInteger(maxWorkers, 'maxWorkers', Math.max(1, minWorkers), MAX_WORKERS);
  checkInteger(concurrentTasksPerWorker, 'concurrentTasksPerWorker', 1, MAX_CONCURRENT_TASKS);
  const { maxQueue = 2 ** 16, idleTimeout = 10_000, startTimeout = 60_000 } = options;
  checkInteger(maxQueue, 'maxQueue', 0, 2 ** 24);
  checkInteger(idleTimeout, 'idleTimeout', 0, MAX_TIMEOUT_MS);
  checkInteger(startTimeout, 'startTimeout', 1, MAX_TIMEOUT_MS);
  const { abortTimeout = concurrentTasksPerWorker === 1 ? 1000 : undefined } = options;
  if (abortTimeout !== undefined) checkInteger(abortTimeout, 'abortTimeout', 0, MAX_TIMEOUT_MS);
  return {
    ...options,
    ...(abortTimeout === undefined ? {} : { abortTimeout }),
    module: urlOf(module),
    kind,
    minWorkers,
    maxWorkers,
    concurrentTasksPerWorker,
    maxQueue,
    idleTimeout,
    startTimeout,
  };
}

/** An option that is not known is refused: one of another pool's would be missed without a word. */
function checkNames(options: WorkerPoolOptions, kind: 'thread' | 'process'): void {
  const [own, others] = kind === 'thread' ? [THREADS_ONLY, PROCESSES_ONLY] : [PROCESSES_ONLY, THREADS_ONLY];
  const known: readonly string[] = [...COMMON, ...own];
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || known.includes(name)) continue;
    const why = (others as readonly string[]).includes(name)
      ? `an option of workers of kind '${kind}' is`
      : 'an option of createWorkerPool() is';
    throw refusal(why, name);
  }
}

function checkTypes({ args, execArgv, env, workerData }: WorkerPoolOptions): void {
  for (const [name, list] of Object.entries({ args, execArgv })) {
    if (list === undefined) continue;
    if (!Array.isArray(list) || !list.every(each => typeof each === 'string')) {
      throw refusal('a list of strings is', list, `as ${name}`);
    }
  }
  for (const [name, object] of Object.entries({ env, workerData })) {
    if (object !== undefined && (typeof object !== 'object' || object === null)) {
      throw refusal('an object is', object, `as ${name}`);
    }
  }
}

function checkLimits(limits: WorkerResourceLimits | undefined, kind: 'thread' | 'process'): void {
  if (limits === undefined) return;
  if (typeof limits !== 'object' || limits === null)
    throw refusal('an object is', limits, 'as resourceLimits');
  const known: readonly string[] = kind === 'thread' ? LIMITS : LIMITS_OF_PROCESSES;
  for (const [name, value] of Object.entries(limits)) {
    if (value === undefined) continue;
    if (!known.includes(name)) throw refusal(`one of ${known.join(', ')} is`, name, 'in resourceLimits');
    if (typeof value !== 'number' || !(value > 0 && value < 2 ** 20)) {
      throw refusal('a number of megabytes above 0 is', value, `as ${name}`);
    }
  }
}

function urlOf(module: unknown): string {
  if (module instanceof URL) return module.href;
  if (typeof module !== 'string' || module === '' || module.includes('\0')) {
    throw refusal('a path or URL is', module, 'as module');
  }
  return /^(file|data):/.test(module) ? module : pathToFileURL(module).href;
}

function refusal(wanted: string, given: unknown, where = ''): ArgumentError {
  const place = where === '' ? '' : ` ${where}`;
  return new ArgumentError(
    `Cannot create worker pool: ${wanted} wanted${place}, ${describe(given)} was given`,
  );
}
