import type { KeptHead } from '../../message/exchange.ts';
import { fieldOf, type HeaderList, hasField, without } from '../../message/header-list.ts';
import type { ResponseFacts } from './response-facts.ts';

/** What all answers from a stored response have in common, made once. */
export interface StoredHead {
  /** Its fields but for Age and Cache-Status, with Content-Length and Date. */
  readonly fixed: HeaderList;
  /** What caches nearer to the origin say in Cache-Status. */
  readonly before: string | undefined;
  readonly kept: KeptHead;
}

const DIFFERING = new Set(['age', 'cache-status', 'content-length']);

const heads = new WeakMap<ResponseFacts, StoredHead>();

/** @param length of the content, in bytes: always the same for the same facts */
export function storedHead(facts: ResponseFacts, length: number): StoredHead {
  const known = heads.get(facts);
  if (known !== undefined) return known;
  const { headers, status } = facts;
  const fixed = without(headers, DIFFERING);
  // Which has none (RFC 9110, 8.6).
  if (status !== 204) fixed.push('Content-Length', String(length));
  // Who made it said no time, so it is the one at which it came (RFC 9110, 6.6.1).
  if (!hasField(headers, 'date')) fixed.push('Date', new Date(facts.receivedAt).toUTCString());
  const kept: KeptHead = { head: undefined, fixed: fixed.length };
  const made = { fixed, before: fieldOf(headers, 'cache-status'), kept };
  heads.set(facts, made);
  return made;
}
