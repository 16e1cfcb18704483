import { invariant } from '../base/invariant.ts';
import type { ChunkPool } from '../memory/chunk-pool.ts';
import type { Reservation } from '../memory/reservation.ts';
import { Aggregate } from './aggregate.ts';
import { Slice } from './slice.ts';

/** What is taken from the pool at a time. */
export const ROOM_BYTES = 128 * 1024;
/** Less room than this is left to others: what is read at once would be cut small. */
const LEAST_ROOM_BYTES = 32 * 1024;

/**
 * Room of a pool that bytes from a socket or pipe land in: what one read brings follows what the last one
 * brought, in the same buffer.
 */
export class ReceiveRoom {
  readonly #pool: ChunkPool;
  #reservation: Reservation | undefined;
  #used = 0;

  constructor(pool: ChunkPool) {
    this.#pool = pool;
  }

  /** Where the next bytes are to go. @throws what ChunkPool.reserve throws */
  room(): Buffer {
    let reservation = this.#reservation;
    if (reservation === undefined || reservation.length - this.#used < LEAST_ROOM_BYTES) {
      this.close();
      reservation = this.#pool.reserve(ROOM_BYTES);
      this.#reservation = reservation;
    }
    return reservation.bytes.subarray(this.#used);
  }

  /** Makes the first `count` bytes of the room an aggregate, which the caller releases. */
  take(count: number): Aggregate {
    const { lease, offset, length } = this.#reservation as Reservation;
    const start = offset + this.#used;
    this.#used += count;
    invariant(this.#used <= length, 'what was received lies in its room');
    if (this.#pool.kind !== 'recycle') return this.#sealed(start, start + count);
    lease.hold(count);
    return new Aggregate(new Slice(lease, start, start + count), this.#pool);
  }

  /** Gives back the room that is left. */
  close(): void {
    const reservation = this.#reservation;
    if (reservation === undefined) return;
    this.#reservation = undefined;
    const used = this.#used;
    this.#used = 0;
    if (used === 0) this.#pool.cancel(reservation);
    else this.#pool.commit(reservation, used).release();
  }

  /** Nobody is to write what was received, so its buffer is not filled further. */
  #sealed(start: number, end: number): Aggregate {
    const lease = this.#pool.commit(this.#reservation as Reservation, this.#used);
    this.#reservation = undefined;
    this.#used = 0;
    lease.note(end - start);
    return new Aggregate(new Slice(lease, start, end), this.#pool);
  }
}
