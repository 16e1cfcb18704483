import { invariant } from '../../base/invariant.ts';
import type { Chunk } from '../../memory/chunk.ts';
import type { Lease } from '../../memory/lease.ts';
import { CHUNK_SLOTS } from './layout.ts';

/** A chunk that contents of the directory lie in. */
interface NumberedChunk {
  readonly number: number;
  /** That it was at when something came there. */
  generation: number;
  /** How many slices of contents lie there. */
  places: number;
}

/** Where it is told in shared memory which chunks are in use. */
interface ChunkTable {
  /** A chunk with a number is in use at a generation, or, at 0, not any more. */
  note(number: number, generation: number): void;
}

/** What chunks are called in a directory: by numbers that no other has had. */
export class ChunkNumbers {
  readonly #table: ChunkTable;
  readonly #known = new WeakMap<Chunk, NumberedChunk>();
  /** Those in use, by the place in the table that their number names. */
  readonly #bySlot = new Map<number, NumberedChunk>();
  #last = 0;

  constructor(table: ChunkTable) {
    this.#table = table;
  }

  /** A slice lies in the chunk that is leased. @returns its number; 0 when there are too many chunks */
  enter({ chunk, generation }: Lease): number {
    let known = this.#known.get(chunk);
    if (known === undefined || !this.#mayStay(known)) {
      const number = this.#next();
      if (number === 0) return 0;
      known = { number, generation, places: 0 };
      this.#known.set(chunk, known);
    }
    known.places += 1;
    if (known.places > 1) return known.number;
    // It is known by its number to who has it mapped, however often it is used again.
    known.generation = generation;
    this.#bySlot.set(slotOf(known.number), known);
    this.#table.note(known.number, generation);
    return known.number;
  }

  /** A slice does not lie there any more. @param number as {@link enter} returned it */
  leave(number: number): void {
    const known = this.#bySlot.get(slotOf(number));
    if (known?.number !== number) return;
    known.places -= 1;
    invariant(known.places >= 0, 'who leaves a chunk has entered it');
    if (known.places > 0) return;
    this.#bySlot.delete(slotOf(number));
    this.#table.note(number, 0);
  }

  /** The number of a chunk that contents lie in; 0: it has none. */
  of({ chunk, generation }: Lease): number {
    const known = this.#known.get(chunk);
    return known !== undefined && known.places > 0 && known.generation === generation ? known.number : 0;
  }

  /** All that are in use. */
  *inUse(): Generator<readonly [number: number, generation: number]> {
    for (const { number, generation } of this.#bySlot.values()) yield [number, generation];
  }

  /** Whether no other has taken its place in the table while nothing lay in it. */
  #mayStay({ number, places }: NumberedChunk): boolean {
    return places > 0 || !this.#bySlot.has(slotOf(number));
  }

  #next(): number {
    if (this.#bySlot.size >= CHUNK_SLOTS) return 0;
    do this.#last += 1;
    while (this.#bySlot.has(slotOf(this.#last)));
    return this.#last;
  }
}

function slotOf(number: number): number {
  return number & (CHUNK_SLOTS - 1);
}
