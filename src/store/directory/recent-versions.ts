import { now } from '../../base/clock.ts';
import type { ContentFacts, StoredVersion } from '../stored-version.ts';

/** Most that are remembered. Each takes some hundred bytes of heap. */
const MAX_VERSIONS = 8192;
/** What goes where all were used of late. */
const LEAST_PART = 1 / 4;
/** How often it is looked which are right still, while they are used; and at least. */
const SWEEP_MS = 50;
const MAX_SWEEP_MS = 1000;
/** Those that were not used for so long, in ms, are dropped. */
const IDLE_MS = 10_000;

/** A version that was found a moment ago. */
export class RecentVersion<F extends ContentFacts> {
  readonly held: StoredVersion<F>;
  /** As a {@link FoundRecord} has them. */
  readonly at: number;
  readonly count: number;
  /** How often it was used since that was reported. */
  uses = 0;
  isRecent = true;
  usedAt = now();

  /** @param found undefined where it is not to be found again */
  constructor(held: StoredVersion<F>, found: { readonly at: number; readonly count: number } | undefined) {
    this.held = held;
    this.at = found?.at ?? 0;
    // No record has it.
    this.count = found?.count ?? Number.NaN;
  }
}

/**
 * Versions that were found last, by key: who comes again need not look in the directory, nor decode what it
 * finds. What has changed is dropped soon, as it keeps memory from being used again.
 */
export class RecentVersions<F extends ContentFacts> {
  readonly #sweep: () => boolean;
  readonly #versions = new Map<string, RecentVersion<F>>();
  #timer: NodeJS.Timeout | undefined;
  #pause = SWEEP_MS;
  #isUsed = false;
  #closed = false;

  /** @param sweep called while there is something, to {@link drop} what is wrong. @returns whether it is */
  constructor(sweep: () => boolean) {
    this.#sweep = sweep;
  }

  get size(): number {
    return this.#versions.size;
  }

  get(key: string): RecentVersion<F> | undefined {
    return this.#versions.get(key);
  }

  /** Takes over a version, in place of what is under its key. */
  add(
    held: StoredVersion<F>,
    found: { readonly at: number; readonly count: number } | undefined,
  ): RecentVersion<F> {
    const { key } = held;
    const recent = new RecentVersion(held, found);
    this.#versions.get(key)?.held.release();
    this.#versions.set(key, recent);
    if (this.#versions.size > MAX_VERSIONS) this.#makeRoom();
    this.begin();
    return recent;
  }

  /** There is something that is to be looked at again. */
  begin(): void {
    this.#isUsed = true;
    if (!this.#closed) this.#schedule();
  }

  /** Drops those that are wrong, and those that were not used for long. */
  drop(isWrong: (recent: RecentVersion<F>) => boolean): void {
    const time = now();
    for (const recent of this.#versions.values()) {
      if (recent.isRecent) {
        recent.usedAt = time;
        this.#isUsed = true;
      }
      recent.isRecent = false;
      if (isWrong(recent) || time - recent.usedAt >= IDLE_MS) this.#delete(recent);
    }
  }

  clear(): void {
    for (const recent of this.#versions.values()) this.#delete(recent);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.clear();
  }

  #delete({ held }: RecentVersion<F>): void {
    this.#versions.delete(held.key);
    held.release();
  }

  /** Those go that were not used since they were looked at last; or else, of all, those that came first. */
  #makeRoom(): void {
    for (const recent of this.#versions.values()) {
      if (!recent.isRecent) this.#delete(recent);
      recent.isRecent = false;
    }
    for (const recent of this.#versions.values()) {
      if (this.#versions.size <= MAX_VERSIONS * (1 - LEAST_PART)) break;
      this.#delete(recent);
    }
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#isUsed = false;
      const isMore = this.#sweep();
      this.#pause = this.#isUsed ? SWEEP_MS : Math.min(2 * this.#pause, MAX_SWEEP_MS);
      if (isMore) this.#schedule();
    }, this.#pause).unref();
  }
}
