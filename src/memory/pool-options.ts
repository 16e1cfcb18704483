import { ArgumentError, checkInteger, describe } from '../base/error.ts';
import type { Acl } from './acl.ts';
import { MAX_CHUNK_BYTES, PAGE_BYTES } from './chunk.ts';
import { sharedMemoryIsSupported } from './support.ts';

/** Options of a pool. */
export interface PoolOptions {
  /** Shown in statistics and in /proc/<pid>/maps. At most 40 characters of A-Z, a-z, 0-9, '.', '_', '-'. */
  readonly name?: string;
  /**
   * 'recycle' (default): chunks are refilled when nobody uses them; no page fault, no zeroing. 'seal': each
   * buffer gets pages of its own that nobody, this process included, can ever change again.
   */
  readonly kind?: 'recycle' | 'seal';
  /**
   * Default true. False: what nobody uses any more is given back to the system and never refilled (a
   * millisecond per MiB for the next). So every domain that has it, not only this one, may send it by
   * reference: see sendAggregate().
   */
  readonly refill?: boolean;
  /** Default: 'shared' where the platform can, else 'heap', whose buffers cannot leave the process. */
  readonly memory?: 'shared' | 'heap';
  /** Bytes of the chunks that small buffers share. Default 1 MiB. */
  readonly chunkSize?: number;
  /**
   * Most bytes of chunks the pool may hold at once, those still leased elsewhere included. Default: no bound.
   */
  readonly limit?: number;
  /**
   * Who may be given its buffers, by us or by whoever got them. Fixed when the pool is made. Default:
   * processes of the same user id. The owner is always admitted.
   */
  readonly acl?: Acl;
}

const DEFAULT_CHUNK_BYTES = 1024 ** 2;

/** The options with what was left out; `limit` is infinity where there is none. */
export interface CompletePoolOptions extends Required<Omit<PoolOptions, 'acl'>> {
  readonly acl: Acl | undefined;
}

/** Checks options and fills in what was left out. @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
export function completePoolOptions(options: PoolOptions): CompletePoolOptions {
  const { name = 'pool', kind = 'recycle', chunkSize = DEFAULT_CHUNK_BYTES, limit, acl } = options;
  if (typeof name !== 'string' || !/^[\w.-]{1,40}$/.test(name)) {
    throw new ArgumentError(
      `Cannot create pool: a name of 1 to 40 letters, digits, '.', '_' or '-' is wanted, ` +
        `${describe(name)} was given`,
    );
  }
  if (kind !== 'recycle' && kind !== 'seal') {
    throw new ArgumentError(
      `Cannot create pool: kind 'recycle' or 'seal' is wanted, ${describe(kind)} was given`,
    );
  }
  const { memory = sharedMemoryIsSupported() ? 'shared' : 'heap' } = options;
  if (memory !== 'shared' && memory !== 'heap') {
    throw new ArgumentError(
      `Cannot create pool: memory 'shared' or 'heap' is wanted, ${describe(memory)} was given`,
    );
  }
  const { refill = true } = options;
  if (typeof refill !== 'boolean') {
    throw new ArgumentError(
      `Cannot create pool: true or false is wanted as refill, ${describe(refill)} was given`,
    );
  }
  checkInteger(chunkSize, 'chunkSize', 2 * PAGE_BYTES, MAX_CHUNK_BYTES);
  if (limit !== undefined) checkInteger(limit, 'limit', 2 * PAGE_BYTES, Number.MAX_SAFE_INTEGER);
  return { name, kind, memory, refill, chunkSize, limit: limit ?? Number.POSITIVE_INFINITY, acl };
}
