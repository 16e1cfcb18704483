import type { Aggregate } from '../../aggregate/aggregate.ts';
import { aggregateOfSlices } from '../../aggregate/aggregate-of-slices.ts';
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
  readonly #room: Reservation;

  /** Empty. @throws as {@link ChunkPool.reserveChunk} */
  constructor(pool: ChunkPool, records: number, seed: number) {
    this.#pool = pool;
    this.#room = pool.reserveChunk(wordsOf(records) * WORD_BYTES);
    const { lease, offset, length } = this.#room;
    const words = wordsOver(lease, offset, offset + length);
    words.fill(0);
    words[Head.SEED] = seed;
    words[Head.RECORDS] = records;
    words[Head.BUCKETS] = records;
    this.words = new DirectoryWords(words);
  }

  /** All of it, to be passed to who reads it; the caller's. It goes on changing. */
  share(): Aggregate {
    const { lease, offset, length } = this.#room;
    lease.retain();
    return aggregateOfSlices([{ lease, start: offset, end: offset + length }]);
  }

  /** Who was passed it keeps it. */
  close(): void {
    this.#pool.cancel(this.#room);
  }
}
