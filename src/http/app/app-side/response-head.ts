import type { Json } from '../../../base/json.ts';
import { constantHead } from '../../../ipc/wire/head.ts';
import { encodeAnswer } from '../app-protocol.ts';
import { hasHeader, listHeaders } from './answer-headers.ts';
import type { AppHeaders } from './application.ts';

/** What the head of an answer says besides the fields that the application gave. */
export interface ResponseFacts {
  readonly status: number;
  /** One of {@link BodyKind}. */
  readonly body: number;
  /** For Content-Length; undefined where it says nothing. */
  readonly length: number | undefined;
  /** Whether the application answered with a string. */
  readonly isText: boolean;
}

interface Kept extends ResponseFacts {
  readonly head: Json;
}

/** Heads that are kept of one frozen object of fields, by length: one of the same length replaces another. */
const MOST_KEPT = 64;

/** What was made of frozen fields: they are the same next time. */
const heads = new WeakMap<object, Map<number | undefined, Kept>>();

/** The head of an application's answer. @throws ERR_IOLITE_ARGUMENT for fields that are none */
export function responseHead(headers: AppHeaders | undefined, facts: ResponseFacts): Json {
  if (headers === undefined || !Object.isFrozen(headers)) return makeHead(headers, facts);
  const kept = heads.get(headers);
  const known = kept?.get(facts.length);
  if (
    known !== undefined &&
    known.status === facts.status &&
    known.body === facts.body &&
    known.isText === facts.isText
  ) {
    return known.head;
  }
  const head = makeHead(headers, facts);
  if (!isConstant(headers)) return head;
  const room = kept ?? new Map<number | undefined, Kept>();
  if (room.size >= MOST_KEPT) room.clear();
  room.set(facts.length, { ...facts, head: constantHead(head) });
  heads.set(headers, room);
  return head;
}

function makeHead(
  given: AppHeaders | undefined,
  { status, body, length, isText }: ResponseFacts,
): Json & object {
  const headers = listHeaders(given);
  if (isText && !hasHeader(headers, 'content-type')) {
    headers.push('Content-Type', 'text/plain; charset=utf-8');
  }
  if (length !== undefined && !hasHeader(headers, 'content-length')) {
    headers.push('Content-Length', String(length));
  }
  return encodeAnswer({ status, body, headers });
}

/** Whether frozen fields cannot say something else the next time: Headers, Maps and what is computed can. */
function isConstant(headers: object): boolean {
  const prototype = Object.getPrototypeOf(headers);
  if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) return false;
  return Object.values(Object.getOwnPropertyDescriptors(headers)).every(
    ({ value }) => typeof value === 'string' || typeof value === 'number',
  );
}
