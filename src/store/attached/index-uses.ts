import type { Report } from '../store-protocol.ts';
import type { ContentFacts, StoredVersion } from '../stored-version.ts';
import type { IndexEntry, Session } from './index-entry.ts';

/**
 * Most uses in one report, so that requests wait for it a millisecond or two. The rest is for the next: where
 * more versions than that are in use each is reported less often.
 */
const MAX_REPORTED_USES = 4096;
/** Most versions in a report that were dropped, and that nobody holds any more. */
const MAX_REPORTED_ENDS = 20_000;

/**
 * What the owner of a store is to hear of an index: which versions were used, which it has dropped, and which
 * somebody here holds for longer than a moment, who is looked for once a report.
 */
export class IndexUses<F extends ContentFacts> {
  readonly #indexed: (held: StoredVersion<F>) => boolean;
  readonly #asked: { has(key: string): boolean };
  #touched: IndexEntry<F>[] = [];
  /** The keys of versions, by their serials. */
  readonly #forgotten = new Map<number, string>();
  /** Versions that the owner counts as being held here. */
  readonly #held = new Map<number, StoredVersion<F>>();
  #isEnded = false;

  /**
   * @param indexed whether the index has a version, and so is one of its holders
   * @param asked keys that the owner was asked for, and has not answered
   */
  constructor(indexed: (held: StoredVersion<F>) => boolean, asked: { has(key: string): boolean }) {
    this.#indexed = indexed;
    this.#asked = asked;
  }

  /** Whether there may be something to report, now or when somebody lets go of what they hold. */
  get isPending(): boolean {
    return this.#touched.length > 0 || this.#forgotten.size > 0 || this.#held.size > 0;
  }

  /** An entry was used, for the first time since the last report. */
  touch(entry: IndexEntry<F>): void {
    entry.recent = true;
    this.#touched.push(entry);
  }

  /** A version was given by the owner, to somebody who uses it. */
  given(held: StoredVersion<F>): void {
    this.#forgotten.delete(held.serial);
    this.#held.set(held.serial, held);
  }

  /** The index has dropped a version by itself. */
  forgot({ serial, key }: Pick<StoredVersion<F>, 'serial' | 'key'>): void {
    this.#forgotten.set(serial, key);
  }

  /** The owner is another one: it knows of nothing. */
  clear(): void {
    this.#held.clear();
    this.#forgotten.clear();
  }

  /** @returns what has happened under this owner since the last one; undefined for nothing */
  report(session: Session | undefined): Report | undefined {
    const touched = this.#touched.splice(0, MAX_REPORTED_USES);
    const ours = touched.filter(entry => entry.session === session);
    const used = ours.map(({ held, used: times }) => [held.serial, times] as const);
    for (const entry of touched) entry.used = 0;
    if (session === undefined) return undefined;
    const freed = this.#freed();
    const held = this.#newlyHeld(ours);
    const forgot = this.#takeForgotten();
    if ([used, forgot, held, freed].every(({ length }) => length === 0)) return undefined;
    return { used, forgot, held, freed };
  }

  /** Nobody holds anything any more, as far as the owner is concerned. */
  end(): void {
    this.#isEnded = true;
  }

  /**
   * What the owner was asked for again it may have given again: it would take this for later than its answer,
   * and tell of no change any more.
   */
  #takeForgotten(): number[] {
    const forgot: number[] = [];
    for (const [serial, key] of this.#forgotten) {
      if (forgot.length === MAX_REPORTED_ENDS) break;
      if (!this.#isEnded && this.#asked.has(key)) continue;
      forgot.push(serial);
      this.#forgotten.delete(serial);
    }
    return forgot;
  }

  #freed(): number[] {
    const freed: number[] = [];
    for (const [serial, held] of this.#held) {
      if (freed.length === MAX_REPORTED_ENDS) break;
      if (!this.#isEnded && this.#isHeld(held)) continue;
      this.#held.delete(serial);
      freed.push(serial);
    }
    return freed;
  }

  #newlyHeld(touched: readonly IndexEntry<F>[]): number[] {
    const added: number[] = [];
    for (const { held, isIndexed } of touched) {
      // Of thousands nobody holds most.
      if (held.references === (isIndexed ? 1 : 0) || this.#held.has(held.serial)) continue;
      this.#held.set(held.serial, held);
      added.push(held.serial);
    }
    return added;
  }

  #isHeld(held: StoredVersion<F>): boolean {
    return held.references > (this.#indexed(held) ? 1 : 0);
  }
}

/** Counters of an index. */
export interface IndexStats {
  readonly entries: number;
  readonly bytes: number;
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
}
