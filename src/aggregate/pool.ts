import { brand } from '../base/brand.ts';
import { type Bytes, bufferOver, checkEncoding, isBytes } from '../base/bytes.ts';
import { ArgumentError, checkInteger, describe } from '../base/error.ts';
import type { PoolHolder } from '../memory/chunk-holdings.ts';
import { ChunkPool } from '../memory/chunk-pool.ts';
import type { PoolOptions } from '../memory/pool-options.ts';
import type { PoolStats } from '../memory/pool-stats.ts';
import { type Figures, observe, type Sample } from '../observe/sources.ts';
import { Aggregate } from './aggregate.ts';
import { Draft } from './draft.ts';
import { refusedContent } from './refused-content.ts';
import { copyToPool } from './tree/fill.ts';

/**
 * Creates a pool of buffers that share one access list. Makes no memory until something is allocated.
 * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { createPool } from 'iolite';
 *
 * const pool = createPool({ name: 'reports', limit: 64 * 1024 ** 2 });
 * pool.from('hello').release();
 * pool.from('world').release(); // the same memory again
 * assert.equal(pool.stats().chunks, 1);
 * pool.close();
 * assert.equal(pool.stats().chunks, 0);
 * ```
 */
export function createPool(options?: PoolOptions): Pool {
  return new Pool(options);
}

/** Allocates immutable buffers in memory that can be shared. */
export class Pool {
  /**
   * Where the buffers are.
   * @internal
   */
  readonly chunks: ChunkPool;

  constructor(options: PoolOptions = {}) {
    if (typeof options !== 'object' || options === null) {
      throw new ArgumentError(`Cannot create pool: options are wanted, ${describe(options)} was given`);
    }
    this.chunks = new ChunkPool(options);
    observe('pool', this.chunks, figuresOf);
    observe('holder', this.chunks, holdersOf);
  }

  /**
   * Room for `size` bytes, to be filled and sealed. O(1) in a chunk with room; about a millisecond per MiB
   * when a new chunk has to be made.
   * @throws ERR_IOLITE_LIMIT when the pool is full, ERR_IOLITE_CLOSED, ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE,
   * SystemError (ENOMEM, EMFILE)
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createPool } from 'iolite';
   *
   * using pool = createPool();
   * const draft = pool.allocate(8);
   * draft.bytes.writeDoubleLE(Math.PI);
   * using pi = draft.seal(); // immutable from here on
   * assert.equal(pi.readDoubleLE(0), Math.PI);
   * ```
   */
  allocate(size: number): Draft {
    return new Draft(this.chunks, this.chunks.reserve(size));
  }

  /**
   * An aggregate with a copy of the data. The caller releases it. Of a view (a typed array, a DataView) these
   * are the bytes that it shows; what other threads write to a SharedArrayBuffer meanwhile may be in it or
   * not. Blobs and streams are read by {@link Aggregate.fromStream}.
   * @param encoding of a string; default utf8
   * @throws as {@link allocate}; ERR_IOLITE_ARGUMENT for what is no bytes
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createPool } from 'iolite';
   *
   * using pool = createPool();
   * using text = pool.from('héllo');
   * using bytes = pool.from(Uint8Array.of(104, 105));
   * using pieces = pool.from([Buffer.from('one '), Buffer.from('buffer')]);
   * using numbers = pool.from(Float64Array.of(0.5, 1));
   * assert.deepEqual([text.length, bytes.length, pieces.length, numbers.length], [6, 2, 10, 16]);
   * ```
   */
  from(data: string | Bytes | Iterable<Bytes>, encoding: BufferEncoding = 'utf8'): Aggregate {
    checkEncoding(encoding, 'make aggregate');
    if (typeof data === 'string') {
      return new Aggregate(copyToPool(this.chunks, { text: data, encoding }), this.chunks);
    }
    if (isBytes(data)) return new Aggregate(copyToPool(this.chunks, bufferOver(data)), this.chunks);
    if (typeof data === 'object' && data !== null && Symbol.iterator in data) return this.#gather(data);
    throw refusedContent('make aggregate', 'a string, bytes or an iterable of bytes is', data);
  }

  /**
   * Gives idle memory back to the system: chunks in which nothing is referred to, here or in another domain.
   * What stays idle for some seconds goes by itself, down to a remainder of 2 MiB (of a pool with a limit: a
   * thirty-second of that, if it is more); so this is for who knows that it is over.
   * @param bytes how much may stay idle at most, for use again. Default 0
   * @returns how many bytes were given back. Not counted is what another domain still leases
   * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createPool } from 'iolite';
   *
   * using pool = createPool();
   * pool.from(Buffer.alloc(8 * 1024 ** 2)).release();
   * assert.ok(pool.trim() > 8 * 1024 ** 2);
   * assert.equal(pool.stats().bytesMapped, 0);
   * ```
   */
  trim(bytes = 0): number {
    checkInteger(bytes, 'bytes', 0, Number.MAX_SAFE_INTEGER);
    return this.chunks.trim(bytes, Number.POSITIVE_INFINITY);
  }

  /**
   * Which processes hold memory of this pool now, in chunks, the most first: those that lease something that
   * they were sent, or were sent something and did not take it. For people and for programs that have to
   * decide; one that holds more than half of a full pool for seconds, and past use, is cut off by itself.
   * Costs microseconds a chunk, and more where several processes were given it.
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createPool } from 'iolite';
   *
   * using pool = createPool();
   * assert.deepEqual(pool.holders(), []); // nobody was sent anything
   * ```
   */
  holders(): PoolHolder[] {
    return this.chunks.holdings.list();
  }

  /** How much memory it has, and who refers to it. */
  stats(): PoolStats {
    return this.chunks.stats();
  }

  /** Ends allocation. Live aggregates stay valid, and their memory goes with them. */
  close(): void {
    this.chunks.close();
  }

  /** For `using`: see {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #gather(pieces: Iterable<Bytes>): Aggregate {
    const aggregate = new Aggregate(undefined, this.chunks);
    try {
      for (const piece of pieces) {
        if (!isBytes(piece)) {
          const given = `${describe(pieces)} that holds ${describe(piece)}`;
          throw new ArgumentError(
            `Cannot make aggregate: bytes are wanted in an iterable, ${given} was given`,
          );
        }
        aggregate.append(bufferOver(piece));
      }
    } catch (error) {
      aggregate.release();
      throw error;
    }
    return aggregate;
  }
}

function figuresOf(chunks: ChunkPool): Figures {
  return { ...chunks.stats() };
}

function holdersOf(chunks: ChunkPool): readonly Sample[] {
  return chunks.holdings.list().map(({ pid, uid, bytes, chunks: count, since }) => ({
    labels: { pid: String(pid), uid: String(uid) },
    figures: { bytes, chunks: count, since: since / 1000 },
  }));
}

brand(Pool);
