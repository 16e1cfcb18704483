import type { ChunkPool } from '../memory/chunk-pool.ts';
import type { Governed, Governor } from './governor/governor.ts';
import type { SegmentSpace } from './space/segment-space.ts';

/** A store as its bounds see it. */
export interface BoundedStore {
  readonly space: Pick<
    SegmentSpace<unknown>,
    'adopted' | 'charged' | 'heap' | 'segmentBytes' | 'resize' | 'confine'
  >;
  readonly pool: ChunkPool;
  /** Whether the pool is for this store alone. */
  readonly ownsPool: boolean;
  /** Gives up what is beyond the bound of its space, as far as nobody uses it. */
  reclaim(): void;
}

/** A store that is confined is left with so many segments: to clean into, to fill, and for some content. */
const LEAST_SEGMENTS = 4;
const EVERY_CHUNK = Number.POSITIVE_INFINITY;

/**
 * How much memory a store may have: its budget, and less while a governor says so. What is beyond is given
 * back at once where nobody holds it, and otherwise as soon as it is let go. Bytes throughout.
 */
export class StoreBounds implements Governed {
  readonly #store: BoundedStore;
  readonly #governor: Governor | undefined;
  #budget: number;
  #allowance: number;

  /** @param governor bounds the store from here on, until {@link close}; undefined: nobody does */
  constructor(store: BoundedStore, budget: number, governor: Governor | undefined) {
    this.#store = store;
    this.#budget = budget;
    this.#allowance = budget;
    this.#governor = governor;
    governor?.add(this);
  }

  get budget(): number {
    return this.#budget;
  }

  /** How much of the budget may be used just now. */
  get allowance(): number {
    return this.#allowance;
  }

  /** What is idle in a pool of the store's own included. */
  get footprint(): number {
    const { ownsPool, pool, space } = this.#store;
    return ownsPool ? pool.bytesMapped + space.adopted : space.charged;
  }

  get leastAllowance(): number {
    return LEAST_SEGMENTS * this.#store.space.segmentBytes;
  }

  /** Most bytes that one content should take in one go: see {@link memoryFor}. */
  get pieceBytes(): number {
    return this.#governor?.pieceBytes ?? Number.POSITIVE_INFINITY;
  }

  /** Whether content of so many bytes need not wait for memory. */
  hasMemoryFor(length: number): boolean {
    return this.#governor?.hasMemoryFor(length) !== false;
  }

  /**
   * While memory is short, what is read has to wait until others have let go of theirs: it may find no room
   * in the store, and would come on top. @returns undefined where it need not wait
   */
  memoryFor(length: number): Promise<void> | undefined {
    return this.#governor?.memoryFor(length);
  }

  /** Content of this length is about to be given room: which may be found to be too much. */
  before(length: number): void {
    this.#governor?.before(length);
  }

  /** Changes the budget. The allowance follows, as far as the governor lets it. */
  resize(budget: number): void {
    const wasWhole = this.#allowance === this.#budget;
    this.#budget = budget;
    this.#store.space.resize(reachable(budget, this.#governor));
    this.confine(wasWhole ? budget : this.#allowance);
    this.#governor?.look();
  }

  confine(bytes: number): void {
    const { ownsPool, pool, space } = this.#store;
    this.#allowance = Math.min(bytes, this.#budget);
    if (ownsPool) pool.limit = this.#allowance;
    space.confine(this.#allowance);
    this.#store.reclaim();
    if (ownsPool) pool.trim(Math.max(0, this.#allowance - space.heap - space.charged), EVERY_CHUNK);
  }

  /** Nobody bounds it any more. */
  close(): void {
    this.#governor?.remove(this);
  }
}

/** How much of a budget can be had at all: segments are to be of a size for that. */
export function reachable(budget: number, governor: Governor | undefined): number {
  return Math.min(budget, governor?.limit ?? Number.POSITIVE_INFINITY);
}
