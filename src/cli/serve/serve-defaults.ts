import { totalmem } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { inheritedOptions } from '../../ipc/meet/inherited-options.ts';
import { MemoryGauge } from '../../os/container/memory-gauge.ts';
import { usableProcessors } from '../../os/container/processors.ts';
import { SMALL_MEMORY_BYTES } from '../../os/container/small-memory.ts';
import { defaultBudget, PROCESS_BYTES } from '../../store/governor/default-budget.ts';
import type { ServeConfig } from './settings/settings-schema.ts';

const MIB_BYTES = 1024 ** 2;
const MAX_DEFAULT_BUDGET_BYTES = 1024 * MIB_BYTES;
/** Who may have less than this of the machine's memory is in a container. */
const MACHINE_PART = 0.95;
/** Workers are to take no more of the memory than this, where nobody says how many there are. */
const WORKERS_PART = 1 / 2;
/**
 * For a small container, where what V8 puts off to collect is better used for files: by default a worker has
 * up to 48 MiB of objects that are new, of which next to nothing lives on.
 */
const SMALL_SPACE = '--max-semi-space-size=2';
/**
 * There V8 collects all of a heap when it has grown by this. With as much again, a worker with ten thousand
 * files has a tenth more of heap, and as many requests a second; with less, it collects all the time.
 */
const HEAP_GROWTH = '--heap-growing-percent=50';

/** For answers under way to end in. */
export const DRAIN_MS = 10_000;

/**
 * Workers that there are if nobody says otherwise: one a processor, as far as the container's CPU quota and
 * its memory go, and at least one.
 * @param memory bytes that there are; default: what the container and the machine allow
 */
export function defaultWorkers(memory = new MemoryGauge().limit(), processors = usableProcessors()): number {
  return Math.max(1, Math.min(processors, Math.floor((memory * WORKERS_PART) / PROCESS_BYTES)));
}

/**
 * Options of Node.js for a worker: those of this process, and in a small container less memory for new
 * objects, and more for old ones before all are collected, where nobody has said how much they get.
 * @param memory bytes that there are; default: what the container and the machine allow
 * @param given options of this process @param variable NODE_OPTIONS
 */
export function workerOptions(
  memory = new MemoryGauge().limit(),
  given: readonly string[] = process.execArgv,
  variable = process.env.NODE_OPTIONS ?? '',
): string[] {
  const options = inheritedOptions(given);
  if (memory >= SMALL_MEMORY_BYTES) return options;
  const said = [...options, variable].map(each => each.replaceAll('_', '-'));
  const isSaid = (option: string): boolean => said.some(each => each.includes(nameOf(option)));
  return [...[SMALL_SPACE, HEAP_GROWTH].filter(option => !isSaid(option)), ...options];
}

/**
 * Has this process, in a small container, collect all of its heap less often, as its workers do: see
 * {@link workerOptions}.
 */
export function letHeapGrow(
  memory = new MemoryGauge().limit(),
  given: readonly string[] = process.execArgv,
  set: (option: string) => void = setFlagsFromString,
): void {
  const isSaid = given.some(each => each.replaceAll('_', '-').includes(nameOf(HEAP_GROWTH)));
  if (memory < SMALL_MEMORY_BYTES && !isSaid) set(HEAP_GROWTH);
}

/** Of an option, without what it is set to. */
function nameOf(option: string): string {
  return option.slice(0, option.indexOf('='));
}

/**
 * Bytes for the cache of files, and as many for that of an origin's responses, which have the same part each
 * where there are several of them.
 * @param workers how many there are
 * @param memory bytes that there are; default: what the container and the machine allow
 */
export function budgetOf(config: ServeConfig, workers: number, memory?: number): number {
  const { budget } = config;
  const places = [config, ...Object.values(config.hosts ?? {})].flatMap(each => [
    each,
    ...(each.rules ?? []),
  ]);
  const distinct = (values: readonly unknown[]): number =>
    new Set(values.filter(each => each !== undefined).map(each => JSON.stringify(each))).size;
  const apps = new Map(
    places.flatMap(({ app }) => (app === undefined ? [] : [[app.module, app.workers ?? 1]])),
  );
  const processes = 1 + workers + [...apps.values()].reduce((sum, count) => sum + Number(count), 0);
  const available = memory ?? new MemoryGauge().limit();
  // A container is there for what is in it.
  const isOurs = available < totalmem() * MACHINE_PART;
  const whole =
    budget === undefined
      ? defaultBudget({
          most: MAX_DEFAULT_BUDGET_BYTES,
          processes,
          isOurs,
          memory: available,
        })
      : budget * MIB_BYTES;
  const hasFiles = places.some(({ root }) => root !== undefined);
  const parts = distinct(places.map(({ origin }) => origin)) + (hasFiles ? 1 : 0);
  return Math.floor(whole / Math.max(1, parts));
}
