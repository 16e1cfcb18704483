import { totalmem } from 'node:os';
import { MemoryGauge } from '../../os/container/memory-gauge.ts';
import { usableProcessors } from '../../os/container/processors.ts';
import { defaultBudget, PROCESS_BYTES } from '../../store/governor/default-budget.ts';
import type { ServeConfig } from './settings/settings-schema.ts';

const MIB_BYTES = 1024 ** 2;
const MAX_DEFAULT_BUDGET_BYTES = 1024 * MIB_BYTES;
/** Who may have less than this of the machine's memory is in a container. */
const MACHINE_PART = 0.95;
/** Workers are to take no more of the memory than this, where nobody says how many there are. */
const WORKERS_PART = 1 / 2;

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
