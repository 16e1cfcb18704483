import type { Pool } from '../../aggregate/pool.ts';
import { checkPool } from '../../aggregate/stream/stream-options.ts';
import { ArgumentError, checkInteger, checkOptionNames, describe, optionNames } from '../../base/error.ts';

/** Options of cluster.jobs(). The same on all machines: who says otherwise changes them for all. */
export interface JobsOptions {
  /** How often a job is given to a worker before it is taken for one that cannot be done. Default 5. */
  readonly maxDeliver?: number;
  /**
   * Milliseconds after which a job is given to another worker when the one that has it is not heard of. One
   * that lives says so three times as often. Default 30,000; at least 500.
   */
  readonly ackWait?: number;
  /** Where NATS keeps the jobs. Default 'file'. */
  readonly storage?: 'file' | 'memory';
  /**
   * Bytes that jobs may take in NATS, and their longer bodies as many again: add() fails with
   * ERR_IOLITE_LIMIT beyond. Default 1 GiB.
   */
  readonly maxBytes?: number;
  /** Bytes of a body: the worker has all of it in memory. Default 64 MiB. */
  readonly maxBodyBytes?: number;
  /** Where workers have the bodies. Default: a pool of all jobs, for processes of our own user. */
  readonly pool?: Pool;
}

/** The options, each with a value, but for the pool. */
export type CheckedJobsOptions = Required<Omit<JobsOptions, 'pool'>> & { readonly pool: Pool | undefined };

const NAMES = optionNames<JobsOptions>({
  maxDeliver: true,
  ackWait: true,
  storage: true,
  maxBytes: true,
  maxBodyBytes: true,
  pool: true,
});
const DEFAULT_DELIVERIES = 5;
const MAX_DELIVERIES = 1000;
const DEFAULT_WAIT_MS = 30_000;
const LEAST_WAIT_MS = 500;
const MOST_WAIT_MS = 24 * 3600 * 1000;
const DEFAULT_BYTES = 1024 ** 3;
const LEAST_BYTES = 1024 ** 2;
const DEFAULT_BODY_BYTES = 64 * 1024 ** 2;

/** @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
export function checkedJobsOptions(options: JobsOptions): CheckedJobsOptions {
  if (typeof options !== 'object' || options === null)
    throw new ArgumentError(`Cannot open jobs: options are wanted, ${describe(options)} was given`);
  checkOptionNames(options, NAMES, 'open jobs');
  const { maxDeliver = DEFAULT_DELIVERIES, ackWait = DEFAULT_WAIT_MS, storage = 'file', pool } = options;
  const { maxBytes = DEFAULT_BYTES, maxBodyBytes = DEFAULT_BODY_BYTES } = options;
  checkInteger(maxDeliver, 'maxDeliver', 1, MAX_DELIVERIES);
  checkInteger(ackWait, 'ackWait', LEAST_WAIT_MS, MOST_WAIT_MS);
  checkInteger(maxBytes, 'maxBytes', LEAST_BYTES, Number.MAX_SAFE_INTEGER);
  checkInteger(maxBodyBytes, 'maxBodyBytes', 0, Number.MAX_SAFE_INTEGER);
  if (storage !== 'file' && storage !== 'memory')
    throw new ArgumentError(
      `Cannot open jobs: storage is 'file' or 'memory', ${describe(storage)} was given`,
    );
  if (pool !== undefined) checkPool(pool, 'open jobs');
  return { maxDeliver, ackWait, storage, maxBytes, maxBodyBytes, pool };
}
