import type { ChunkPool } from '../../memory/chunk-pool.ts';
import type { Reservation } from '../../memory/reservation.ts';
import { Slice } from '../slice.ts';
import { type CopySource, copyToPool, fillRoom, roomFor } from './fill.ts';

const FIRST_ROOM_BYTES = 64;
const LAST_ROOM_BYTES = 64 * 1024;
/** Larger pieces get buffers of their own: room kept for more would be wasted on them. */
const OWN_BUFFER_BYTES = 16 * 1024;

/**
 * Room behind the last bytes that were appended to one aggregate, so that small pieces go one behind the
 * other into one buffer and make one slice. The room doubles with what is appended. Bytes in it are invisible
 * until a slice covers them, and never change from then on.
 */
export class Tail {
  readonly #pool: ChunkPool;
  #reservation: Reservation | undefined;
  #used = 0;
  #nextRoom = FIRST_ROOM_BYTES;

  constructor(pool: ChunkPool) {
    this.#pool = pool;
  }

  /**
   * Copies a source into the pool. @returns its slice, whose reference is the caller's; undefined if empty
   */
  copy(source: CopySource): Slice | undefined {
    const size = roomFor(source);
    if (size >= OWN_BUFFER_BYTES || this.#pool.kind !== 'recycle') return copyToPool(this.#pool, source);
    if (size === 0) return undefined;
    let reservation = this.#reservation;
    if (reservation === undefined || size > reservation.length - this.#used) {
      reservation = this.#makeRoom(size);
    }
    const { lease, offset, bytes } = reservation;
    const start = offset + this.#used;
    const length = fillRoom(this.#used === 0 ? bytes : bytes.subarray(this.#used), source);
    if (length === 0) return undefined;
    this.#used += length;
    lease.hold(length);
    return new Slice(lease, start, start + length);
  }

  /** Gives back the room that is left. */
  close(): void {
    const reservation = this.#reservation;
    if (reservation === undefined) return;
    this.#reservation = undefined;
    this.#pool.commit(reservation, this.#used).release();
  }

  #makeRoom(size: number): Reservation {
    const reservation = this.#pool.reserve(Math.max(size, this.#nextRoom));
    this.close();
    this.#nextRoom = Math.min(LAST_ROOM_BYTES, this.#nextRoom * 2);
    this.#reservation = reservation;
    this.#used = 0;
    return reservation;
  }
}
