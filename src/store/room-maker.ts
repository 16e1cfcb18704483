import type { Entry } from './entry.ts';
import type { CacheEntry, CachePolicy } from './policy.ts';
import type { Segment } from './space/segment.ts';
import type { SegmentSpace } from './space/segment-space.ts';
import type { ContentFacts, VersionParts } from './stored-version.ts';

/** The store whose room it is. */
interface RoomHost<F extends ContentFacts, L> {
  /** Evicts an entry. */
  remove(entry: Entry<F, L>): void;
  /** Gives an entry another version object, of the same version. */
  exchange(entry: Entry<F, L>, parts: VersionParts<F>): void;
}

/** Segments that are kept free ahead of use: one to clean into, and some while others' leases run out. */
export const SPARE_SEGMENTS = 1;
const AHEAD_PART = 1 / 25;
const MIN_AHEAD_SEGMENTS = 2;
/** With fewer segments than this, only the spare one is kept free. */
const FEW_SEGMENTS = 16;
/** A segment is cleaned when so much of it is dead: it costs twice as many bytes copied as it gives. */
const CLEANING_PART = 1 / 3;
/**
 * When so much of all segments is dead, the deadest is cleaned whatever it has. What leaves by worth lies
 * everywhere: to evict until one segment has enough dead bytes would take a third of all.
 */
const MAX_DEAD_PART = 1 / 6;
/** What is evicted before it is asked again which segment is worth cleaning: this part of one. */
const EVICTION_PART = 1 / 16;
/** How many entries in use a policy passes over before one of these has to go. */
const MAX_PASSED_ENTRIES = 1000;

/**
 * Makes room in the segments of a store: by cleaning those that are mostly dead, and by evicting whom the
 * policy names.
 */
export class RoomMaker<F extends ContentFacts, L> {
  /** How often a segment was cleaned. */
  cleanings = 0;
  readonly #space: SegmentSpace<Entry<F, L>>;
  readonly #policy: CachePolicy;
  readonly #host: RoomHost<F, L>;

  constructor(space: SegmentSpace<Entry<F, L>>, policy: CachePolicy, host: RoomHost<F, L>) {
    this.#space = space;
    this.#policy = policy;
    this.#host = host;
  }

  /** How many segments are to be free ahead of use. */
  get ahead(): number {
    const { capacity } = this.#space;
    if (capacity < FEW_SEGMENTS) return SPARE_SEGMENTS;
    return Math.max(MIN_AHEAD_SEGMENTS, Math.ceil(capacity * AHEAD_PART));
  }

  /**
   * Cleans and evicts until some segments are free, or will be soon.
   * @param wanted how many are to be free
   * @returns whether they are
   */
  make(wanted: number): boolean {
    for (;;) {
      if (this.#space.free < wanted) this.#space.sweep();
      if (this.#space.free >= wanted) return true;
      // Evicting more would not make those who lease them let go sooner.
      if (this.#space.free + this.#space.retiring >= wanted) return false;
      const isScattered = this.#space.deadPart >= MAX_DEAD_PART;
      const segment = this.#space.mostlyDead(isScattered ? MAX_DEAD_PART / 2 : CLEANING_PART);
      if (segment !== undefined && (this.#clean(segment) || this.#empty(segment))) continue;
      if (!this.#evict(this.#space.segmentBytes * EVICTION_PART)) return false;
    }
  }

  /**
   * Evicts all that is in a segment, where there is no room to move it to: its memory is free again, which it
   * would not be if as much was evicted here and there. @returns false when somebody uses some of it
   */
  #empty(segment: Segment<Entry<F, L>>): boolean {
    const tenants = segment.tenants();
    if (tenants.some(entry => entry.inUse)) return false;
    // What goes may take others with it.
    for (const entry of tenants) if (entry.isKept) this.#host.remove(entry);
    return true;
  }

  /** Evicts so many bytes, at least one entry. @returns false when there is none */
  #evict(bytes: number): boolean {
    for (let evicted = 0; evicted < bytes || evicted === 0; ) {
      const victim = this.#victim();
      if (victim === undefined) return evicted > 0;
      evicted += Math.max(1, victim.size);
      this.#host.remove(victim);
    }
    return true;
  }

  #victim(): Entry<F, L> | undefined {
    let passed = 0;
    const unused = (entry: CacheEntry): boolean => {
      if (!(entry as Entry<F, L>).inUse) return true;
      passed += 1;
      return passed > MAX_PASSED_ENTRIES;
    };
    return (this.#policy.victim(unused) ?? this.#policy.victim(() => true)) as Entry<F, L> | undefined;
  }

  /**
   * Moves the live contents of a segment elsewhere, which is safe because nobody can change them.
   * @returns false when there is no room to move them to
   */
  #clean(segment: Segment<Entry<F, L>>): boolean {
    for (const entry of segment.tenants()) {
      const moved = entry.held.moved(slices => this.#space.move(slices, entry, segment.audience, segment));
      this.#host.exchange(entry, moved);
    }
    if (segment.live > 0) return false;
    this.cleanings += 1;
    return true;
  }
}
