import { ArgumentError, checkInteger, checkOptionNames, describe, optionNames } from '../base/error.ts';
import type { Acl } from './acl.ts';
import { MAX_CHUNK_BYTES, PAGE_BYTES } from './chunk.ts';
import { defaultMemory, sharedMemoryProblem } from './support.ts';

/**
 * What stops a write into a buffer that is sealed already. Other processes never can; this one:
 *
 * - 'recycle': nothing. Chunks are refilled when nobody uses them; no page fault, no zeroing.
 * - 'protect': it ends with SIGSEGV. Chunks are refilled as well, and the pages that are being filled are
 *   the only ones that can be written: two system calls more for each buffer. Buffers that are allocated
 *   begin at pages of their own; small ones that are copied in at once share pages, as no program of yours
 *   runs meanwhile. On the heap it is 'recycle'.
 * - 'seal': it ends with SIGSEGV, and nobody can lift that, which receivers can verify. Each buffer gets new
 *   pages and a descriptor of its own.
 */
export type PoolKind = 'recycle' | 'protect' | 'seal';

const KINDS: readonly unknown[] = ['recycle', 'protect', 'seal'] satisfies PoolKind[];

/** Options of a pool. */
export interface PoolOptions {
  /** Shown in statistics and in /proc/<pid>/maps. At most 40 characters of A-Z, a-z, 0-9, '.', '_', '-'. */
  readonly name?: string;
  /** Who could still write a buffer that is sealed. Default 'recycle': this process. See {@link PoolKind}. */
  readonly kind?: PoolKind;
  /**
   * Default true. False: what nobody uses any more is given back to the system and never refilled (a
   * millisecond per MiB for the next). So every domain that has it, not only this one, may send it by
   * reference: see sendAggregate().
   */
  readonly refill?: boolean;
  /**
   * Default: 'shared' where the platform can, else 'heap', whose buffers cannot leave the process. Linux can:
   * where it cannot nevertheless, a process warning with the code IOLITE_HEAP says why, once.
   */
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

const NAMES = optionNames<PoolOptions>({
  name: true,
  kind: true,
  refill: true,
  memory: true,
  chunkSize: true,
  limit: true,
  acl: true,
});
const DEFAULT_CHUNK_BYTES = 1024 ** 2;

/** The options with what was left out; `limit` is infinity where there is none. */
export interface CompletePoolOptions extends Required<Omit<PoolOptions, 'acl'>> {
  readonly acl: Acl | undefined;
}

/** Checks options and fills in what was left out. @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
export function completePoolOptions(options: PoolOptions): CompletePoolOptions {
  checkOptionNames(options, NAMES, 'create pool');
  const { name = 'pool', kind = 'recycle', chunkSize = DEFAULT_CHUNK_BYTES, limit, acl } = options;
  if (typeof name !== 'string' || !/^[\w.-]{1,40}$/.test(name)) {
    throw new ArgumentError(
      `Cannot create pool: a name of 1 to 40 letters, digits, '.', '_' or '-' is wanted, ` +
        `${describe(name)} was given`,
    );
  }
  if (!KINDS.includes(kind)) {
    throw new ArgumentError(
      `Cannot create pool: kind 'recycle', 'protect' or 'seal' is wanted, ${describe(kind)} was given`,
    );
  }
  const { memory = defaultMemory() } = options;
  if (memory !== 'shared' && memory !== 'heap') {
    throw new ArgumentError(
      `Cannot create pool: memory 'shared' or 'heap' is wanted, ${describe(memory)} was given`,
    );
  }
  const problem = options.memory === 'shared' ? sharedMemoryProblem() : undefined;
  if (problem !== undefined) throw problem;
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
