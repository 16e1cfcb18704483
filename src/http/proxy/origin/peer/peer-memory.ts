import { Aggregate } from '../../../../aggregate/aggregate.ts';
import { createPool, type Pool } from '../../../../aggregate/pool.ts';
import { ReceiveRoom } from '../../../../aggregate/receive-room.ts';

/** What is read at once into what all connections share: mostly a head, with all of a body. */
const SHARED_BYTES = 128 * 1024;
/** Smaller pieces are kept on the heap: each costs less there than a place in the pool. */
const SMALL_BYTES = 4 * 1024;
/** Of bodies that are on their way; beyond that they come to lie on the heap. */
const LIMIT_BYTES = 64 * 1024 ** 2;
/** Rooms of 128 KiB that are read into at a time. */
const MAX_ROOMS = 64;

/** Where what other machines answer comes to lie: for all connections of a thread. */
class PeerMemory {
  #shared: Buffer | undefined;
  #pool: Pool | undefined;
  #rooms = 0;

  /** What is read into where nothing else is: valid until the next read of any connection. */
  get shared(): Buffer {
    this.#shared ??= Buffer.allocUnsafeSlow(SHARED_BYTES);
    return this.#shared;
  }

  /** A copy, which the caller releases. */
  copyOf(bytes: Buffer): Aggregate {
    if (bytes.length < SMALL_BYTES) return Aggregate.adopt(Buffer.from(bytes));
    try {
      return this.#inPool.from(bytes);
    } catch {
      // No room, or no memory that could be shared: it is read on.
      return Aggregate.adopt(Buffer.from(bytes));
    }
  }

  /** Room for one body to be read into. @returns undefined when there is none */
  takeRoom(): ReceiveRoom | undefined {
    if (this.#rooms === MAX_ROOMS) return undefined;
    const room = new ReceiveRoom(this.#inPool.chunks);
    try {
      room.room();
    } catch {
      return undefined;
    }
    this.#rooms += 1;
    return room;
  }

  /** Nothing is read into it any more. */
  giveBack(room: ReceiveRoom): void {
    this.#rooms -= 1;
    room.close();
  }

  get #inPool(): Pool {
    this.#pool ??= createPool({ name: 'pulls', limit: LIMIT_BYTES });
    return this.#pool;
  }
}

/** That of this thread. */
export const peerMemory = new PeerMemory();
