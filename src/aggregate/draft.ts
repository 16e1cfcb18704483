import { brand } from '../base/brand.ts';
import { checkInteger, IoliteError } from '../base/error.ts';
import type { ChunkPool } from '../memory/chunk-pool.ts';
import type { Reservation } from '../memory/reservation.ts';
import { Aggregate } from './aggregate.ts';
import { commit } from './tree/fill.ts';

/**
 * A buffer that is being filled. Fill `bytes`, then seal it: from then on it is immutable. A draft that is
 * neither sealed nor discarded keeps its room until it is garbage-collected.
 */
export class Draft {
  readonly #pool: ChunkPool;
  #reservation: Reservation | undefined;
  #bytes: Buffer | undefined;

  /**
   * Use pool.allocate().
   * @internal
   */
  constructor(pool: ChunkPool, reservation: Reservation) {
    this.#pool = pool;
    this.#reservation = reservation;
  }

  /**
   * The room to fill; its content is arbitrary at first. Do not keep it past seal() or discard(): in a pool
   * of kind 'recycle' nothing else stops this process from writing what it has sealed; in others a write
   * ends it. A byte stream may be given it to fill: it takes the view away, so ask for `bytes` again for what
   * is to follow.
   * @throws ERR_IOLITE_RELEASED once sealed or discarded
   */
  get bytes(): Buffer {
    const { lease, offset, length } = this.#open('use');
    let bytes = this.#bytes;
    if (bytes === undefined || bytes.length !== length) {
      bytes = lease.chunk.shown.subarray(offset, offset + length);
      this.#bytes = bytes;
    }
    return bytes;
  }

  /** Whether it was sealed or discarded. */
  get released(): boolean {
    return this.#reservation === undefined;
  }

  /**
   * Ends the filling: the first `length` bytes, all by default, are an immutable buffer now, and the caller's
   * as an aggregate. Copies nothing. In a pool of kind 'seal' this is where the memory is sealed: some system
   * calls; in one of kind 'protect' one.
   * @throws ERR_IOLITE_RELEASED, ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE, SystemError
   */
  seal(length?: number): Aggregate {
    const reservation = this.#open('seal');
    if (length !== undefined) checkInteger(length, 'length', 0, reservation.length);
    this.#reservation = undefined;
    return new Aggregate(commit(this.#pool, reservation, length ?? reservation.length), this.#pool);
  }

  /** Gives the room back. @throws ERR_IOLITE_RELEASED */
  discard(): void {
    this.#pool.cancel(this.#open('discard'));
    this.#reservation = undefined;
  }

  /** Discards it, unless it was sealed. */
  [Symbol.dispose](): void {
    if (this.#reservation !== undefined) this.discard();
  }

  #open(operation: string): Reservation {
    if (this.#reservation !== undefined) return this.#reservation;
    throw new IoliteError('ERR_IOLITE_RELEASED', `Cannot ${operation} draft: it was sealed or discarded`);
  }
}

brand(Draft);
