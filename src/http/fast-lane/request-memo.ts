import { BytesMemo } from '../../base/bytes-memo.ts';
import { hasSmallMemory } from '../../os/container/small-memory.ts';
import { mayBegin } from '../message/framing/body-framing.ts';
import { HEAD_END, mayHaveBody, type ParsedRequest, parseRequest } from './grammar.ts';

/** What all connections read into at once. */
const READ_BYTES = 64 * 1024;
/** How many requests are kept, at first and at most: a megabyte of them, or twenty where they come again. */
const SLOTS = 1024;
const MAX_SLOTS = 16_384;
/** The same where there is little memory: what comes again is repeated without them, if it is kept. */
const FEW_SLOTS = 512;
const MAX_BYTES = 1024;

/** Requests by their exact bytes: the reading of one that came before is a comparison. */
export class RequestMemo {
  /** What bytes are read into: nothing of it outlives the call that they came with. */
  readonly buffer: Buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  /** Whether requests are being taken from it: no other connection may read into it meanwhile. */
  isRead = false;
  readonly #known = new BytesMemo<ParsedRequest>(hasSmallMemory() ? FEW_SLOTS : SLOTS, MAX_BYTES, parseOnly, {
    mostSlots: hasSmallMemory() ? FEW_SLOTS : MAX_SLOTS,
    second: true,
  });

  /**
   * The head of the request that begins at an offset of some bytes; what follows may be its body. As
   * {@link recall}, where it lies in the buffer and a body may follow.
   * @param takesBodies whether one may
   */
  parse(bytes: Buffer, start: number, takesBodies: boolean): ParsedRequest | undefined {
    if (!mayHaveBody(bytes, start)) return parseRequest(bytes, start);
    const end = takesBodies ? bytes.indexOf(HEAD_END, start) + HEAD_END.length : 0;
    if (end < HEAD_END.length) return undefined;
    const offset = bytes.byteOffset - this.buffer.byteOffset;
    const isKnown = end - start <= MAX_BYTES && bytes.buffer === this.buffer.buffer;
    const parsed = isKnown
      ? this.#known.recall(this.buffer, offset + start, offset + end)
      : parseRequest(bytes, start, true);
    return parsed?.body === undefined || mayBegin(parsed.body, bytes.subarray(end)) ? parsed : undefined;
  }

  /**
   * The request that the first `count` bytes of the buffer are, all of them. When it comes a second time it
   * is kept, its fields frozen, and has notes.
   * @returns undefined when they are not one request for the fast lane, or it is long
   */
  recall(count: number): ParsedRequest | undefined {
    return count > MAX_BYTES || mayHaveBody(this.buffer, 0)
      ? undefined
      : this.#known.recall(this.buffer, 0, count);
  }
}

function parseOnly(bytes: Buffer, start: number, end: number, kept: boolean): ParsedRequest | undefined {
  const parsed = parseRequest(bytes.subarray(start, end), 0, mayHaveBody(bytes, start));
  if (parsed?.length !== end - start) return undefined;
  if (!kept) return parsed;
  Object.freeze(parsed.rawHeaders);
  return { ...parsed, notes: { site: undefined } };
}
