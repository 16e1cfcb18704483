import { type ParsedRequest, parseRequest } from './grammar.ts';

/** What all connections read into at once. */
const READ_BYTES = 64 * 1024;
/** Slots of the table, a power of two; and the longest request that is kept: a megabyte of them at most. */
const SLOTS = 1024;
const MAX_BYTES = 1024;
const SPREAD = 0x9e3779b1;

interface Known {
  /** Bytes of the request, and they themselves in words, those behind its end zero. */
  readonly length: number;
  readonly words: Uint32Array;
  readonly parsed: ParsedRequest;
}

/**
 * Requests by their exact bytes: clients send the same ones again and again, and then the reading of one is a comparison with what
 * came before. A request that falls on the slot of another takes its place, so clients that never repeat themselves cost a megabyte.
 */
export class RequestMemo {
  /** What bytes are read into: nothing of it outlives the call that they came with. */
  readonly buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  readonly #words = new Uint32Array(this.buffer.buffer);
  readonly #known: (Known | undefined)[] = Array.from({ length: SLOTS }, () => undefined);

  /**
   * The request that the first `count` bytes of the buffer are, all of them. Its fields are frozen.
   * @returns undefined when they are not one request for the fast lane
   */
  recall(count: number): ParsedRequest | undefined {
    if (count > MAX_BYTES) return undefined;
    const words = this.#words;
    const end = (count + 3) >>> 2;
    // Zeros behind the end, which nobody reads.
    if ((count & 3) !== 0)
      words[end - 1] = (words[end - 1] as number) & (0xffffffff >>> (32 - 8 * (count & 3)));
    let hash = count;
    for (let i = 0; i < end; i++) hash = Math.imul(hash ^ (words[i] as number), SPREAD);
    const slot = (hash >>> 16) & (SLOTS - 1);
    const known = this.#known[slot];
    if (known !== undefined && known.length === count && isEqual(known.words, words)) return known.parsed;
    const parsed = parseRequest(this.buffer.subarray(0, count), 0);
    if (parsed?.length !== count) return undefined;
    Object.freeze(parsed.rawHeaders);
    this.#known[slot] = { length: count, words: words.slice(0, end), parsed };
    return parsed;
  }
}

/** Whether `others` begins with `words`. */
function isEqual(words: Uint32Array, others: Uint32Array): boolean {
  for (let i = 0; i < words.length; i++) if (words[i] !== others[i]) return false;
  return true;
}
