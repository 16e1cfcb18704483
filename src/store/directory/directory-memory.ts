import type { Aggregate } from '../../aggregate/aggregate.ts';
import { aggregateOfSlices } from '../../aggregate/aggregate-of-slices.ts';
import type { Audience } from '../../memory/audience.ts';
import type { ChunkPool } from '../../memory/chunk-pool.ts';
import type { Lease } from '../../memory/lease.ts';
import type { Reservation } from '../../memory/reservation.ts';
import { DirectoryWords } from './directory-words.ts';
import { Head, wordsOf } from './layout.ts';

const WORD_BYTES = 4;

/** Words over a range of a chunk's memory. */
export function wordsOver({ bytes }: Lease, start: number, end: number): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset + start, Math.floor((end - start) / WORD_BYTES));
}

/** The memory of a directory in the domain that writes it. Nobody else can write it. */
export class DirectoryMemory {
  readonly words: DirectoryWords;
  readonly #pool: ChunkPool;
  /** Undefined where no memory could be had that can be shared: then it is of the heap. */
  readonly #room: Reservation | undefined;

  /** Empty. @param audience as of {@link ChunkPool.reserveChunk} */
  constructor(pool: ChunkPool, records: number, seed: number, audience?: Audience) {
    const count = wordsOf(records);
    this.#pool = pool;
    this.#room = roomFor(pool, count * WORD_BYTES, audience);
    const { lease, offset = 0, length = 0 } = this.#room ?? {};
    const words = lease === undefined ? new Int32Array(count) : wordsOver(lease, offset, offset + length);
    words.fill(0);
    words[Head.SEED] = seed;
    words[Head.RECORDS] = records;
    words[Head.BUCKETS] = records;
    this.words = new DirectoryWords(words);
  }

  get isShared(): boolean {
    return this.#room !== undefined;
  }

  /** All of it, to be passed to who reads it: the caller's, and goes on changing. Undefined: not shared. */
  share(): Aggregate | undefined {
    if (this.#room === undefined) return undefined;
    const { lease, offset, length } = this.#room;
    lease.retain();
    return aggregateOfSlices([{ lease, start: offset, end: offset + length }]);
  }

  /** Who was passed it keeps it. */
  close(): void {
    if (this.#room !== undefined) this.#pool.cancel(this.#room);
  }
}

function roomFor(pool: ChunkPool, bytes: number, audience?: Audience): Reservation | undefined {
  try {
    return pool.reserveChunk(bytes, audience);
  } catch {
    // No descriptor, or no memory, for now.
    return undefined;
  }
}
