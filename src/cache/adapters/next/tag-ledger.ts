import { createHash } from 'node:crypto';
import { now } from '../../../base/clock.ts';
import type { Json } from '../../../base/json.ts';
import type { SharedCache } from '../../shared-cache.ts';

/** What became of a tag. Times are milliseconds of the machine's clock. */
interface TagTimes {
  /** What was made until then is stale. */
  readonly stale?: number | undefined;
  /** What was made until then is not to be used, once that time has come. */
  readonly expired?: number | undefined;
}

/** A part of the ledger, as it is kept. */
type Page = {
  /** What was made until then is not to be used, whatever its tags: of that time nothing is known. */
  readonly floor: number;
  readonly tags: readonly (readonly [tag: string, stale: number | null, expired: number | null])[];
};

/** How what has tags stands. */
export type Standing = 'right' | 'stale' | 'expired';

/** So many that a change writes little, with so few tags on each that a process decodes it once. */
const PAGES = 64;
const PAGE_TAGS = 200;

/**
 * When which tags were invalidated, for what names its tags only when it is read (paths of Next.js, for
 * instance). All processes share it, in the cache itself. What is evicted, or has to leave for newer tags,
 * makes nothing right again: the page that follows says that all is expired that was made before.
 */
export class TagLedger {
  readonly #cache: SharedCache;
  readonly #prefix: string;
  #begun: Promise<unknown> | undefined;
  readonly #decoded = new WeakMap<Page, ReadonlyMap<string, TagTimes>>();

  /** @param prefix of its keys in the cache */
  constructor(cache: SharedCache, prefix: string) {
    this.#cache = cache;
    this.#prefix = prefix;
  }

  /**
   * Sees to it, once, that all pages are there: of what is made from now on it is known what became of its
   * tags. @throws as SharedCache.getOrSet
   */
  async begin(): Promise<void> {
    this.#begun ??= Promise.all(Array.from({ length: PAGES }, (_, page) => this.#page(page)));
    try {
      await this.#begun;
    } catch (error) {
      this.#begun = undefined;
      throw error;
    }
  }

  /** @param at when that was made which has the tags @throws as SharedCache.getOrSet */
  async standingOf(tags: readonly string[], at: number): Promise<Standing> {
    let standing: Standing = 'right';
    const time = now();
    for (const tag of tags) {
      const page = await this.#page(pageOf(tag));
      const { stale = 0, expired = Number.POSITIVE_INFINITY } = this.#timesOn(page).get(tag) ?? {};
      if (at <= page.floor || (expired <= time && at <= expired)) return 'expired';
      if (at <= stale) standing = 'stale';
    }
    return standing;
  }

  /**
   * Invalidates all that was made until now and has one of the tags. Resolves when no process takes it to be
   * right any more.
   * @param durations `expire`: seconds in which it may still be used while it is made anew; undefined: for
   *   good. Without them it is expired at once
   * @throws as SharedCache.set
   */
  async invalidate(tags: readonly string[], durations?: { readonly expire?: number }): Promise<void> {
    const byPage = new Map<number, string[]>();
    for (const tag of tags) byPage.set(pageOf(tag), [...(byPage.get(pageOf(tag)) ?? []), tag]);
    const time = now();
    const times: TagTimes = durations === undefined ? { expired: time } : { stale: time };
    if (durations?.expire !== undefined) Object.assign(times, { expired: time + durations.expire * 1000 });
    await Promise.all(Array.from(byPage, ([page, its]) => this.#change(page, its, times)));
  }

  async #page(number: number): Promise<Page> {
    const page = await this.#cache.getOrSet(this.#keyOf(number), () => ({ floor: now(), tags: [] }));
    return page as unknown as Page;
  }

  /** One process at a time: who changes a page is the maker of a value that is never made. */
  async #change(number: number, tags: readonly string[], times: TagTimes): Promise<void> {
    const done = new AbortController();
    const { signal } = done;
    let failure: unknown;
    const change = async (): Promise<null> => {
      try {
        const page = changed(await this.#page(number), tags, times);
        await this.#cache.set(this.#keyOf(number), page as unknown as Json);
      } catch (error) {
        failure = error;
      }
      // To give up lets the next one change it.
      done.abort();
      return null;
    };
    try {
      await this.#cache.getOrSet(`${this.#keyOf(number)}:change`, change, { signal, ttl: 0 });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    if (failure !== undefined) throw failure;
  }

  #timesOn(page: Page): ReadonlyMap<string, TagTimes> {
    let times = this.#decoded.get(page);
    if (times === undefined) {
      times = timesOf(page);
      this.#decoded.set(page, times);
    }
    return times;
  }

  #keyOf(page: number): string {
    return `${this.#prefix}${page}`;
  }
}

function pageOf(tag: string): number {
  return createHash('sha256').update(tag).digest().readUInt16LE() % PAGES;
}

function timesOf({ tags }: Page): Map<string, TagTimes> {
  return new Map(
    tags.map(([tag, stale, expired]) => [tag, { stale: stale ?? undefined, expired: expired ?? undefined }]),
  );
}

/** Newest last; what there is no room for raises the floor. */
function changed(page: Page, tags: readonly string[], times: TagTimes): Page {
  const all = timesOf(page);
  for (const tag of tags) {
    const before = all.get(tag);
    all.delete(tag);
    all.set(tag, { ...before, ...times });
  }
  let { floor } = page;
  const time = now();
  for (const [tag, { stale = 0, expired = 0 }] of all) {
    if (all.size <= PAGE_TAGS) break;
    floor = Math.max(floor, Math.min(time, Math.max(stale, expired)));
    all.delete(tag);
  }
  return {
    floor,
    tags: Array.from(all, ([tag, { stale, expired }]) => [tag, stale ?? null, expired ?? null]),
  };
}
