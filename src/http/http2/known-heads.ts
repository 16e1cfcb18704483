import { RecentMap } from '../../base/recent-map.ts';
import { type Http2Head, readHead } from './request-head.ts';

/** How many are kept, at least, and how long they may be. */
const KEPT_HEADS = 8192;
const MAX_CHARACTERS = 1024;

/** Heads of requests by their fields: what came twice is likely to come again, from whichever client. */
export class KnownHeads {
  readonly #known = new RecentMap<string, Http2Head | 'once'>(KEPT_HEADS);

  /**
   * Reads a head, unless it is known.
   * @param list name, value, name, value
   * @returns undefined for a malformed one
   */
  recall(list: readonly string[]): Http2Head | undefined {
    // Values that have a line's end are malformed, and would make a longer list than the one that is known.
    const key = list.join('\n');
    const known = this.#known.get(key);
    if (typeof known === 'object' && known.rawHeaders.length === list.length) return known;
    const isShort = key.length <= MAX_CHARACTERS;
    const head = readHead(list, isShort && known === 'once');
    if (isShort && head !== undefined) this.#known.set(key, known === undefined ? 'once' : head);
    return head;
  }
}
