import { type Bytes, bufferOver } from '../../base/bytes.ts';
import { checkInteger, IoliteError } from '../../base/error.ts';
import type { ChunkPool } from '../../memory/chunk-pool.ts';
import type { Reservation } from '../../memory/reservation.ts';
import { ByteSequence, shareTree } from '../byte-sequence.ts';
import { release, type Tree } from '../tree/branch.ts';
import { commit } from '../tree/fill.ts';
import { join } from '../tree/tree.ts';
import { checkPool } from './stream-options.ts';

/** Where what is collected goes, and how much of it there may be. */
export interface CollectOptions {
  /** Whose buffers are filled. */
  readonly pool: { readonly chunks: ChunkPool };
  /** Most bytes to take; one more fails with ERR_IOLITE_LIMIT. Default: no bound but the pool's. */
  readonly limit?: number | undefined;
}

const FIRST_ROOM_BYTES = 4 * 1024;
/** Room for pieces of unknown number, in a chunk that others share: what is left of it goes back. */
const LAST_ROOM_BYTES = 64 * 1024;
/**
 * Room in a pool of kind 'seal', where each buffer has pages and a descriptor of its own; and for known
 * sizes.
 */
const LARGE_ROOM_BYTES = 1024 ** 2;

/**
 * Puts what comes piece by piece one behind the other into buffers of a pool, whatever the size of the
 * pieces. The room doubles with what is collected, so that little content takes little.
 */
export class Collector {
  readonly #pool: ChunkPool;
  readonly #limit: number;
  readonly #lastRoom: number;
  #whole: Tree | undefined;
  #reservation: Reservation | undefined;
  /** Bytes of the reservation that are filled. */
  #filled = 0;
  #nextRoom: number;
  #length = 0;

  /** @param operation begins the messages of errors. @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
  constructor({ pool, limit }: CollectOptions, operation: string) {
    checkPool(pool, operation);
    if (limit !== undefined) checkInteger(limit, 'limit', 0, Number.MAX_SAFE_INTEGER);
    this.#pool = pool.chunks;
    this.#limit = limit ?? Number.POSITIVE_INFINITY;
    const { kind, chunkSize } = pool.chunks;
    // In a recycled chunk a quarter at most: more would get a chunk of its own, of which nothing goes back.
    this.#lastRoom = kind === 'seal' ? LARGE_ROOM_BYTES : Math.min(LAST_ROOM_BYTES, chunkSize >>> 2);
    this.#nextRoom = Math.min(FIRST_ROOM_BYTES, this.#lastRoom);
  }

  /** Bytes taken so far. */
  get length(): number {
    return this.#length;
  }

  /**
   * Room to be filled directly, behind what is there. Say {@link advance} when bytes of it are.
   * @param wanted in bytes: a hint for its size
   * @param least that it must have, at most LARGE_ROOM_BYTES
   * @throws what Pool.allocate throws
   */
  room(wanted: number, least = 1): Buffer {
    const left = this.#reservation?.bytes.subarray(this.#filled);
    if (left !== undefined && left.length >= least) return left;
    this.#commit();
    const size = Math.max(least, Math.min(wanted, LARGE_ROOM_BYTES), this.#nextRoom);
    this.#reservation = this.#pool.reserve(size);
    this.#nextRoom = Math.min(this.#lastRoom, this.#nextRoom * 2);
    return this.#reservation.bytes;
  }

  /** The first `count` bytes of the room are filled. @throws ERR_IOLITE_LIMIT */
  advance(count: number): void {
    this.#admit(count);
    this.#filled += count;
  }

  /**
   * Copies bytes or a string in, or shares an aggregate's slices. @throws ERR_IOLITE_LIMIT, as Pool.allocate
   */
  add(piece: Bytes | string | ByteSequence, encoding: BufferEncoding = 'utf8'): void {
    if (typeof piece === 'string') this.#addText(piece, encoding);
    else if (piece instanceof ByteSequence) this.#addSequence(piece);
    else this.#addBytes(bufferOver(piece));
  }

  /** All of it, by a reference that is the caller's; undefined for nothing. The collector is over. */
  finish(): Tree | undefined {
    this.#commit();
    return this.#takeWhole();
  }

  /** Gives everything back. The collector is over. */
  discard(): void {
    const reservation = this.#reservation;
    this.#reservation = undefined;
    this.#filled = 0;
    if (reservation !== undefined) this.#pool.cancel(reservation);
    const whole = this.#takeWhole();
    if (whole !== undefined) release(whole);
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
    if (size > LARGE_ROOM_BYTES) {
      this.#addBytes(Buffer.from(text, encoding));
    } else if (size > 0) {
      const room = this.room(size, size);
      this.advance(room.write(text, encoding));
    }
  }

  #addSequence(sequence: ByteSequence): void {
    this.#admit(sequence.length);
    this.#commit();
    this.#whole = join(this.#whole, shareTree(sequence));
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

  /** Ends the filling of the reservation; the room that is left goes back where it can. */
  #commit(): void {
    const reservation = this.#reservation;
    if (reservation === undefined) return;
    const filled = this.#filled;
    this.#reservation = undefined;
    this.#filled = 0;
    this.#whole = join(this.#whole, commit(this.#pool, reservation, filled));
  }

  #takeWhole(): Tree | undefined {
    const whole = this.#whole;
    this.#whole = undefined;
    return whole;
  }
}
