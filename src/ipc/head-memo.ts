import { freeze } from './constant-head.ts';
import { parseHead } from './head.ts';
import type { Json } from './message.ts';

const MAX_ENTRIES = 512;
/** Longer heads are parsed each time: what is kept stays within a few megabytes. */
const MAX_BYTES = 2048;

/**
 * Heads by their bytes, for a peer that sends the same ones again and again: then the reading of one is a look into a table, and
 * what is made of one can be kept with it. When it is full it begins anew.
 */
export class HeadMemo {
  readonly #known = new Map<string, Json>();

  /** As {@link parseHead}; one of up to 2 KiB is frozen, and mostly the same object for the same bytes. */
  parse(bytes: Buffer, start: number, end: number): Json {
    if (end - start > MAX_BYTES) return parseHead(bytes, start, end);
    const key = bytes.toString('latin1', start, end);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const head = parseHead(bytes, start, end);
    freeze(head);
    if (this.#known.size === MAX_ENTRIES) this.#known.clear();
    this.#known.set(key, head);
    return head;
  }
}
