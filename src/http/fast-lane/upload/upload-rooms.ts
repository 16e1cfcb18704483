import type { Pool } from '../../../aggregate/pool.ts';
import { ROOM_BYTES } from '../../../aggregate/receive-room.ts';

/** What may wait of the bodies of one lane that are read, and of each one at most and at least. */
const WINDOWS_BYTES = 64 * 1024 ** 2;
const MOST_WINDOW_BYTES = 512 * 1024;
const LEAST_WINDOW_BYTES = 16 * 1024;
/**
 * Rooms that bodies come into without a copy; those beyond are copied from what all connections share. Each
 * may keep a chunk from the others: together they have no more than a part of the pool.
 */
const MOST_ROOMS = (32 * 1024 ** 2) / ROOM_BYTES;
const ROOMS_PART = 1 / 4;

/** The memory that the bodies of a lane's requests come into, and how much of it they may take. */
export class UploadRooms {
  readonly pool: Pool;
  /** Bodies that are being read, and rooms that are taken. */
  #bodies = 0;
  #rooms = 0;
  readonly #mostRooms: number;

  constructor(pool: Pool) {
    this.pool = pool;
    const { limit, chunkSize } = pool.chunks;
    this.#mostRooms = Math.max(1, Math.min(MOST_ROOMS, Math.floor((limit * ROOMS_PART) / chunkSize)));
  }

  /** Bytes of one body that may be there unread: less, the more bodies there are. */
  get window(): number {
    const share = Math.floor(WINDOWS_BYTES / this.#bodies);
    return Math.max(LEAST_WINDOW_BYTES, Math.min(MOST_WINDOW_BYTES, share));
  }

  /** A body begins to be read. Call {@link ended} when it is not any more. */
  began(): void {
    this.#bodies += 1;
  }

  ended(): void {
    this.#bodies -= 1;
  }

  /** @returns whether a room may be taken; call {@link giveBack} then */
  take(): boolean {
    if (this.#rooms >= this.#mostRooms) return false;
    this.#rooms += 1;
    return true;
  }

  giveBack(): void {
    this.#rooms -= 1;
  }
}
