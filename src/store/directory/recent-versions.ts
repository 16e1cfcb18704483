import { now } from '../../base/clock.ts';
import type { ContentFacts, StoredVersion } from '../stored-version.ts';

/** How many are remembered at least; at most twice as many. Each takes some hundred bytes of heap. */
const LIMIT = 1024;
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
  #recent = new Map<string, RecentVersion<F>>();
  #before = new Map<string, RecentVersion<F>>();
  #timer: NodeJS.Timeout | undefined;
  #pause = SWEEP_MS;
  #isUsed = false;
  #closed = false;

  /** @param sweep called while there is something, to {@link drop} what is not right. Returns whether there is */
  constructor(sweep: () => boolean) {
    this.#sweep = sweep;
  }

  get size(): number {
    return this.#recent.size + this.#before.size;
  }

  get(key: string): RecentVersion<F> | undefined {
    this.#isUsed = true;
    const recent = this.#recent.get(key);
    if (recent !== undefined) return recent;
    const before = this.#before.get(key);
    if (before === undefined) return undefined;
    this.#before.delete(key);
    this.#put(key, before);
    return before;
  }

  /** Takes over a version, in place of what is under its key. */
  add(
    held: StoredVersion<F>,
    found: { readonly at: number; readonly count: number } | undefined,
  ): RecentVersion<F> {
    const { key } = held;
    const recent = new RecentVersion(held, found);
    (this.#recent.get(key) ?? this.#before.get(key))?.held.release();
    this.#before.delete(key);
    this.#put(key, recent);
    if (this.#closed) this.clear();
    else this.#schedule();
    return recent;
  }

  /** Drops those that are wrong, and those that were not used for long. */
  drop(isWrong: (recent: RecentVersion<F>) => boolean): void {
    const time = now();
    for (const map of [this.#recent, this.#before]) {
      for (const [key, recent] of map) {
        if (recent.isRecent) recent.usedAt = time;
        recent.isRecent = false;
        if (!isWrong(recent) && time - recent.usedAt < IDLE_MS) continue;
        map.delete(key);
        recent.held.release();
      }
    }
  }

  clear(): void {
    for (const map of [this.#recent, this.#before]) {
      for (const { held } of map.values()) held.release();
      map.clear();
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.clear();
  }

  #put(key: string, recent: RecentVersion<F>): void {
    this.#recent.set(key, recent);
    if (this.#recent.size < LIMIT) return;
    for (const { held } of this.#before.values()) held.release();
    this.#before = this.#recent;
    this.#recent = new Map();
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#pause = this.#isUsed ? SWEEP_MS : Math.min(2 * this.#pause, MAX_SWEEP_MS);
      this.#isUsed = false;
      if (this.#sweep()) this.#schedule();
    }, this.#pause).unref();
  }
}
