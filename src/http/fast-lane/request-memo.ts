import { type ParsedRequest, parseRequest } from './grammar.ts';

const MAX_ENTRIES = 1024;
const MAX_BYTES = 1024;

/**
 * Requests by their exact bytes: clients send the same ones again and again, and then the reading of one is a look into a table.
 * Holds a megabyte of keys at most; when it is full it begins anew, so clients that never repeat themselves cost that, no more.
 */
export class RequestMemo {
  readonly #known = new Map<string, ParsedRequest>();

  /** As {@link parseRequest}. Only what was read in one piece is looked up. */
  parse(bytes: Buffer, start: number): ParsedRequest | undefined {
    if (start !== 0 || bytes.length > MAX_BYTES) return parseRequest(bytes, start);
    const key = bytes.toString('latin1', 0, bytes.length);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const parsed = parseRequest(bytes, 0);
    if (parsed === undefined || parsed.length !== bytes.length) return parsed;
    Object.freeze(parsed.rawHeaders);
    if (this.#known.size === MAX_ENTRIES) this.#known.clear();
    this.#known.set(key, parsed);
    return parsed;
  }
}
