import { MemoryGauge } from '../../os/container/memory-gauge.ts';

export interface DefaultBudgetOptions {
  /** Never more than this. */
  readonly most: number;
  /** Processes that live on the same memory, this one included. Default 1. */
  readonly processes?: number;
  /** Whether the memory is there for these processes alone. Default false. */
  readonly isOurs?: boolean;
  /** Bytes of memory that there are. Default: what the container and the machine allow. */
  readonly memory?: number;
}

/**
 * What a Node.js process has of its own that serves from a cache, with room for requests, and what all of
 * them share: programs in the page cache, tables of the kernel. Measured: 20 to 28 MiB, and 40.
 */
export const PROCESS_BYTES = 32 * 1024 ** 2;
const SHARED_BYTES = 32 * 1024 ** 2;
/** Of all memory, for a machine or container that has something else to do, */
const MEMORY_PART = 1 / 4;
/** and of what processes leave, for what is in flight comes on top. */
const LEFT_PART = 1 / 2;
/** or this, where nobody else wants any: what is not kept is in the kernel's page cache. */
const LEFT_TO_US_PART = 0.7;
/** However little there is. */
const LEAST_BYTES = 4 * 1024 ** 2;

/** Bytes of memory for a cache whose budget nobody has set. */
export function defaultBudget({ most, processes = 1, isOurs = false, memory }: DefaultBudgetOptions): number {
  const whole = memory ?? new MemoryGauge().limit();
  const left = whole - SHARED_BYTES - processes * PROCESS_BYTES;
  const budget = Math.max(LEAST_BYTES, left * (isOurs ? LEFT_TO_US_PART : LEFT_PART));
  // The other part is for those who share the memory, or for what comes on top where there is next to none.
  const bound = isOurs && left > 0 ? whole : whole * MEMORY_PART;
  return Math.floor(Math.min(most, bound, budget));
}
