import { BytesMemo } from '../../base/bytes-memo.ts';
import type { Json } from '../message.ts';
import { freeze } from './constant-head.ts';
import { parseHead } from './head.ts';

const SLOTS = 512;
/** Longer heads are parsed each time: what is kept stays within a few megabytes. */
const MAX_BYTES = 2048;

/**
 * Heads by their bytes: the reading of one that came before is a comparison, and what is made of one can be
 * kept with it.
 */
export class HeadMemo {
  readonly #known = new BytesMemo<Json>(SLOTS, MAX_BYTES, parseFrozen);

  /** As {@link parseHead}; one of up to 2 KiB is frozen, and mostly the same object for the same bytes. */
  parse(bytes: Buffer, start: number, end: number): Json {
    return this.#known.recall(bytes, start, end) as Json;
  }
}

function parseFrozen(bytes: Buffer, start: number, end: number): Json {
  const head = parseHead(bytes, start, end);
  if (end - start <= MAX_BYTES) freeze(head);
  return head;
}
