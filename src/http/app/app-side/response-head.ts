import { ArgumentError, describe } from '../../../base/error.ts';
import type { Json } from '../../../base/json.ts';
import { constantHead } from '../../../ipc/wire/head.ts';
import { hasField } from '../../message/header-list.ts';
import { encodeAnswer, isOfConnection } from '../app-protocol.ts';
import type { AppHeaders } from './application.ts';

/** What the head of an answer says besides the fields that the application gave. */
export interface ResponseContent {
  readonly status: number;
  /** One of {@link BodyKind}. */
  readonly body: number;
  /** For Content-Length; undefined where it says nothing. */
  readonly length: number | undefined;
  /** Whether the application answered with a string. */
  readonly isText: boolean;
}

interface Kept extends ResponseContent {
  readonly head: Json;
}

/** Heads that are kept of one frozen object of fields, by length: one of the same length replaces another. */
const MAX_HEADS = 64;

/** What was made of frozen fields: they are the same next time. */
const heads = new WeakMap<object, Map<number | undefined, Kept>>();

/** The head of an application's answer. @throws ERR_IOLITE_ARGUMENT for fields that are none */
export function responseHead(headers: AppHeaders | undefined, facts: ResponseContent): Json {
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
  if (room.size >= MAX_HEADS) room.clear();
  room.set(facts.length, { ...facts, head: constantHead(head) });
  heads.set(headers, room);
  return head;
}

function makeHead(
  given: AppHeaders | undefined,
  { status, body, length, isText }: ResponseContent,
): Json & object {
  const headers = listHeaders(given);
  if (isText && !hasField(headers, 'content-type')) {
    headers.push('Content-Type', 'text/plain; charset=utf-8');
  }
  if (length !== undefined && !hasField(headers, 'content-length')) {
    headers.push('Content-Length', String(length));
  }
  return encodeAnswer({ status, body, headers });
}

/** Fields of an answer as a list, the server's own left out. @throws ERR_IOLITE_ARGUMENT */
function listHeaders(headers: AppHeaders | undefined): string[] {
  const list: string[] = [];
  if (headers === undefined) return list;
  if (typeof headers !== 'object' || headers === null) {
    throw new ArgumentError(`Cannot answer: headers are wanted, ${describe(headers)} was given`);
  }
  if (Array.isArray(headers)) {
    if (headers.length % 2 !== 0)
      throw new ArgumentError('Cannot answer: a header without a value was given');
    for (let i = 0; i < headers.length; i += 2) add(list, headers[i], headers[i + 1]);
  } else if (Symbol.iterator in headers) {
    for (const [name, value] of headers as Iterable<[string, string]>) add(list, name, value);
  } else {
    for (const name in headers) {
      const value = (headers as Readonly<Record<string, string | number | readonly string[]>>)[name];
      if (Array.isArray(value)) for (const line of value) add(list, name, line);
      else add(list, name, value);
    }
  }
  return list;
}

function add(list: string[], name: unknown, value: unknown): void {
  if (typeof name !== 'string' || (typeof value !== 'string' && typeof value !== 'number')) {
    throw new ArgumentError(
      `Cannot answer: a string is wanted as header ${String(name)}, ${describe(value)} was given`,
    );
  }
  if (!isOfConnection(name)) list.push(name, String(value));
}

/** Whether frozen fields cannot say something else the next time: Headers, Maps and what is computed can. */
function isConstant(headers: object): boolean {
  const prototype = Object.getPrototypeOf(headers);
  if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) return false;
  return Object.values(Object.getOwnPropertyDescriptors(headers)).every(
    ({ value }) => typeof value === 'string' || typeof value === 'number',
  );
}
