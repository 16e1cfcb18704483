import type { Channel } from '../../ipc/channel.ts';
import { HEADER_BYTES } from '../../memory/chunk.ts';
import { ImportedChunk } from '../../memory/imported-chunk.ts';
import type { Lease } from '../../memory/lease.ts';
import type { ContentPlace, DirectoryView } from './directory-view.ts';

/** A chunk of the owner that is mapped here. */
interface KnownChunk {
  readonly chunk: ImportedChunk;
  /** Ends that it stays mapped for this. */
  readonly end: () => void;
  /** A reference, as long as it is used again and again. */
  lease: Lease | undefined;
  isRecent: boolean;
}

/**
 * The chunks of a directory that are mapped here, by the numbers it calls them. They stay mapped until their
 * owner gives them up, and are leased while they are used: a read costs no call of the kernel then.
 */
export class KnownChunks {
  readonly #channel: Channel;
  readonly #known = new Map<number, KnownChunk>();
  #leased = 0;

  /** @param channel that they come by: those that have come stay when it is closed */
  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** How many are leased for who comes next. */
  get leased(): number {
    return this.#leased;
  }

  has(number: number): boolean {
    return this.#known.has(number);
  }

  /** A slice has come in a chunk of that number, which is leased. */
  learn(number: number, { chunk }: Lease): void {
    const known = this.#known.get(number);
    if (number === 0 || !(chunk instanceof ImportedChunk) || known?.chunk === chunk) return;
    this.#forget(number);
    // Who is dead takes nothing back: what it has said last is here.
    const recalled = (): void => {
      if (!this.#channel.closed) this.#forget(number);
    };
    chunk.addGrant();
    chunk.onRecall.add(recalled);
    const end = (): void => {
      chunk.onRecall.delete(recalled);
      chunk.removeGrant();
    };
    this.#known.set(number, { chunk, end, lease: undefined, isRecent: true });
  }

  /** A lease of what lies in a place, retained for the caller; undefined where it is not to be had. */
  lease({ number, generation, start, length }: ContentPlace): Lease | undefined {
    const known = this.#known.get(number);
    if (known === undefined || start < HEADER_BYTES || start + length > known.chunk.size) return undefined;
    known.isRecent = true;
    if (known.lease?.generation !== generation) {
      this.#letGo(known);
      try {
        known.lease = known.chunk.lease(generation);
      } catch {
        // It has other content by now, or cannot be leased just now: the owner says.
        return undefined;
      }
      known.lease.retain();
      this.#leased += 1;
    }
    known.lease.retain();
    return known.lease;
  }

  /** Lets go of those that nothing is in any more, or that were not used since the last time. */
  sweep(view: DirectoryView): void {
    for (const [number, known] of this.#known) {
      if (known.lease === undefined) continue;
      if (!known.isRecent || !view.hasChunk(number, known.lease.generation | 0)) this.#letGo(known);
      known.isRecent = false;
    }
  }

  close(): void {
    for (const number of [...this.#known.keys()]) this.#forget(number);
  }

  #forget(number: number): void {
    const known = this.#known.get(number);
    if (known === undefined) return;
    this.#known.delete(number);
    this.#letGo(known);
    known.end();
  }

  #letGo(known: KnownChunk): void {
    const { lease } = known;
    if (lease === undefined) return;
    known.lease = undefined;
    this.#leased -= 1;
    lease.release();
  }
}
