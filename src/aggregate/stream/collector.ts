import { bufferOver } from '../../base/bytes.ts';
import { ArgumentError, checkInteger, describe, IoliteError } from '../../base/error.ts';
import { ChunkPool } from '../../memory/chunk-pool.ts';
import type { Aggregate } from '../aggregate.ts';
import type { Draft } from '../draft.ts';
import type { Pool } from '../pool.ts';

/** Where what is collected goes, and how much of it there may be. */
export interface CollectOptions {
  /** Whose buffers are filled. */
  readonly pool: Pool;
  /** Most bytes to take; one more fails with ERR_IOLITE_LIMIT. Default: no bound but the pool's. */
  readonly limit?: number | undefined;
}

const FIRST_ROOM = 4 * 1024;
/** Room for pieces of unknown number, in a chunk that others share: what is left of it goes back. */
const LAST_ROOM = 64 * 1024;
/**
 * Room in a pool of kind 'seal', where each buffer has pages and a descriptor of its own; and for known
 * sizes.
 */
const LARGE_ROOM = 1024 ** 2;

/**
 * Puts what comes piece by piece one behind the other into buffers of a pool, whatever the size of the
 * pieces. The room doubles with what is collected, so that little content takes little.
 */
export class Collector {
  readonly #pool: Pool;
  readonly #limit: number;
  readonly #lastRoom: number;
  readonly #whole: Aggregate;
  #draft: Draft | undefined;
  /** Bytes of the draft that are filled. */
  #filled = 0;
  #nextRoom: number;
  #length = 0;

  /** @param operation begins the messages of errors. @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
  constructor({ pool, limit }: CollectOptions, operation: string) {
    if (!((pool as Partial<Pool> | undefined)?.chunks instanceof ChunkPool)) {
      throw new ArgumentError(`Cannot ${operation}: a pool is wanted, ${describe(pool)} was given`);
    }
    if (limit !== undefined) checkInteger(limit, 'limit', 0, Number.MAX_SAFE_INTEGER);
    this.#pool = pool;
    this.#limit = limit ?? Number.POSITIVE_INFINITY;
    const { kind, chunkSize } = pool.chunks;
    // In a recycled chunk a quarter at most: more would get a chunk of its own, of which nothing goes back.
    this.#lastRoom = kind === 'seal' ? LARGE_ROOM : Math.min(LAST_ROOM, chunkSize >>> 2);
    this.#nextRoom = Math.min(FIRST_ROOM, this.#lastRoom);
    this.#whole = pool.from('');
  }

  /** Bytes taken so far. */
  get length(): number {
    return this.#length;
  }

  /**
   * Room to be filled directly, behind what is there. Say {@link advance} when bytes of it are.
   * @param wanted in bytes: a hint for its size
   * @param least that it must have, at most LARGE_ROOM
   * @throws what Pool.allocate throws
   */
  room(wanted: number, least = 1): Buffer {
    const left = this.#draft?.bytes.subarray(this.#filled);
    if (left !== undefined && left.length >= least) return left;
    this.#seal();
    this.#draft = this.#pool.allocate(Math.max(least, Math.min(wanted, LARGE_ROOM), this.#nextRoom));
    this.#nextRoom = Math.min(this.#lastRoom, this.#nextRoom * 2);
    return this.#draft.bytes;
  }

  /** The first `count` bytes of the room are filled. @throws ERR_IOLITE_LIMIT */
  advance(count: number): void {
    this.#admit(count);
    this.#filled += count;
  }

  /**
   * Copies bytes or a string in, or shares an aggregate's slices. @throws ERR_IOLITE_LIMIT, as Pool.allocate
   */
  add(piece: Uint8Array | ArrayBuffer | string | Aggregate, encoding: BufferEncoding = 'utf8'): void {
    if (typeof piece === 'string') this.#addText(piece, encoding);
    else if ('slices' in piece) this.#addAggregate(piece);
    else this.#addBytes(bufferOver(piece));
  }

  /** All of it, the caller's to release. The collector is over. */
  finish(): Aggregate {
    this.#seal();
    return this.#whole;
  }

  /** Gives everything back. The collector is over. */
  discard(): void {
    this.#draft?.discard();
    this.#draft = undefined;
    this.#filled = 0;
    this.#whole[Symbol.dispose]();
  }

  #addBytes(bytes: Buffer): void {
    this.#admit(bytes.length);
    for (let at = 0; at < bytes.length; ) {
      const count = bytes.copy(this.room(bytes.length - at), 0, at);
      this.#filled += count;
      at += count;
    }
  }

  #addText(text: string, encoding: BufferEncoding): void {
    const size = Buffer.byteLength(text, encoding);
    if (size > LARGE_ROOM) {
      this.#addBytes(Buffer.from(text, encoding));
    } else if (size > 0) {
      const room = this.room(size, size);
      this.advance(room.write(text, encoding));
    }
  }

  #addAggregate(aggregate: Aggregate): void {
    this.#admit(aggregate.length);
    this.#seal();
    this.#whole.append(aggregate);
  }

  /** Counts bytes that come. */
  #admit(count: number): void {
    const length = this.#length + count;
    if (length > this.#limit) {
      throw new IoliteError(
        'ERR_IOLITE_LIMIT',
        `Cannot collect ${length} bytes: ${this.#limit} are the most`,
      );
    }
    this.#length = length;
  }

  /** Ends the filling of the draft; the room that is left goes back where it can. */
  #seal(): void {
    const draft = this.#draft;
    if (draft === undefined) return;
    const filled = this.#filled;
    this.#draft = undefined;
    this.#filled = 0;
    const sealed = draft.seal(filled);
    this.#whole.append(sealed);
    sealed.release();
  }
}
