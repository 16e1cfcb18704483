import type { Json } from '../../base/json.ts';
import { protocolError } from '../../ipc/wire/frame.ts';
import { constantHead } from '../../ipc/wire/head.ts';
import type { ServerRequest } from '../message/exchange.ts';
import type { HeaderList } from '../message/header-list.ts';

/**
 * What a server and an application say to each other over a channel: requests and answers, whose heads are
 * arrays as short as can be, and streams, whose head is the number of the request they belong to.
 */

/** Where the body of a request or an answer is. */
export const BodyKind = {
  NONE: 0,
  /** It is the body of the message. */
  WHOLE: 1,
  /** It comes as a stream under the number of the request. */
  STREAM: 2,
} as const;

/**
 * A one-way message of an application that ends: no more requests, please; close the channel when all are
 * answered.
 */
export const DRAIN = 'drain';

const OF_CONNECTION = /^(?:connection|keep-alive|transfer-encoding|trailer|upgrade|proxy-connection)$/i;

/** Whether a field is about the connection, which is the server's: no answer of an application has it. */
export function isOfConnection(name: string): boolean {
  return OF_CONNECTION.test(name);
}

/**
 * The head of a request, whose number is the channel's: streams of its body and of the answer's have it as
 * their head.
 */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly secure: boolean;
  readonly remoteAddress: string | undefined;
  readonly body: number;
  readonly rawHeaders: readonly string[];
}

/** The head of an answer. */
export interface AnswerHead {
  readonly status: number;
  readonly body: number;
  readonly headers: HeaderList;
}

type Encoded = readonly [
  method: string,
  target: string,
  secure: number,
  remoteAddress: string,
  body: number,
  rawHeaders: readonly string[],
];

/** Heads of requests that are likely to come again, by their list of fields. */
const encoded = new WeakMap<readonly string[], Encoded>();
/** What frozen heads, which come as the same object again, were found to say. */
const decoded = new WeakMap<object, RequestHead>();

export function encodeRequest(request: ServerRequest, body: number): Json {
  const { method, target, secure, remoteAddress = '', rawHeaders } = request;
  const isSecure = secure ? 1 : 0;
  const known = encoded.get(rawHeaders);
  if (
    known !== undefined &&
    known[0] === method &&
    known[1] === target &&
    known[2] === isSecure &&
    known[3] === remoteAddress &&
    known[4] === body
  ) {
    return known;
  }
  const head: Encoded = [method, target, isSecure, remoteAddress, body, fieldsOf(rawHeaders)];
  if (Object.isFrozen(rawHeaders)) encoded.set(rawHeaders, constantHead(head));
  return head;
}

/**
 * The fields without those that HTTP/2 has in place of the request line: the authority becomes Host (RFC
 * 9113, 8.3.1).
 */
function fieldsOf(rawHeaders: readonly string[]): readonly string[] {
  if (rawHeaders[0]?.startsWith(':') !== true) return rawHeaders;
  const fields: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name === ':authority') fields.push('Host', rawHeaders[i + 1] as string);
    else if (!name.startsWith(':') && name !== 'host') fields.push(name, rawHeaders[i + 1] as string);
  }
  return fields;
}

/** @throws ERR_IOLITE_PROTOCOL */
export function decodeRequest(head: Json | undefined): RequestHead {
  const parts = arrayOf(head, 6);
  const known = decoded.get(parts);
  if (known !== undefined) return known;
  const [method, target, secure, remoteAddress, body, rawHeaders] = parts;
  if (
    typeof method !== 'string' ||
    typeof target !== 'string' ||
    typeof remoteAddress !== 'string' ||
    typeof body !== 'number' ||
    !isListOfPairs(rawHeaders)
  ) {
    throw protocolError('the head of a request is malformed');
  }
  const address = remoteAddress === '' ? undefined : remoteAddress;
  const request = { method, target, secure: secure === 1, remoteAddress: address, body, rawHeaders };
  if (Object.isFrozen(parts)) decoded.set(parts, request);
  return request;
}

const INTERIM = 'interim';

/** An interim response (1xx) to a request that is not answered yet: a one-way message of an application. */
export interface InterimHead {
  /** Of the request. */
  readonly number: number;
  readonly status: number;
  readonly headers: HeaderList;
}

export function encodeInterim({ number, status, headers }: InterimHead): Json {
  return [INTERIM, number, status, headers];
}

/** @returns undefined for what is none */
export function decodeInterim(head: Json | undefined): InterimHead | undefined {
  if (!Array.isArray(head) || head.length !== 4) return undefined;
  const [kind, number, status, headers] = head as readonly Json[];
  if (kind !== INTERIM || typeof number !== 'number' || typeof status !== 'number') return undefined;
  return isListOfPairs(headers) ? { number, status, headers } : undefined;
}

export function encodeAnswer({ status, body, headers }: AnswerHead): Json & object {
  return [status, body, headers];
}

/** @throws ERR_IOLITE_PROTOCOL */
export function decodeAnswer(head: Json | undefined): AnswerHead {
  const [status, body, headers] = arrayOf(head, 3);
  if (
    !Number.isInteger(status) ||
    (status as number) < 200 ||
    (status as number) > 599 ||
    typeof body !== 'number' ||
    !isListOfPairs(headers)
  ) {
    throw protocolError('the head of an answer is malformed');
  }
  return { status: status as number, body, headers };
}

function arrayOf(head: Json | undefined, length: number): readonly Json[] {
  if (Array.isArray(head) && head.length === length) return head;
  throw protocolError(`a head of ${length} parts is wanted`);
}

function isListOfPairs(value: Json | undefined): value is readonly string[] {
  if (!Array.isArray(value) || value.length % 2 !== 0) return false;
  for (const item of value) if (typeof item !== 'string') return false;
  return true;
}
