import type { Json } from '../../ipc/message.ts';
import { broken } from '../../ipc/wire.ts';
import type { HeaderList, ServerRequest } from '../exchange.ts';

/**
 * What a server and an application say to each other over a channel: requests and answers, whose heads are arrays as short
 * as can be, and streams, whose head is the number of the request they belong to.
 */

/** Where the body of a request or an answer is. */
export const BodyKind = {
  NONE: 0,
  /** It is the body of the message. */
  WHOLE: 1,
  /** It comes as a stream under the number of the request. */
  STREAM: 2,
} as const;

/** A one-way message of an application that ends: no more requests, please; close the channel when all are answered. */
export const DRAIN = 'drain';

/** The code of a request that failed because its handler threw. */
export const FAILED = 'ERR_IOLITE_APPLICATION';

/** The head of a request. */
export interface RequestHead {
  /** Of the server's choice, and not that of another request under way. */
  readonly id: number;
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

export function encodeRequest(id: number, request: ServerRequest, body: number): Json {
  const { method, target, secure, remoteAddress = '', rawHeaders } = request;
  return [id, method, target, secure ? 1 : 0, remoteAddress, body, fieldsOf(rawHeaders)];
}

/** The fields without those that HTTP/2 has in place of the request line: the authority becomes Host (RFC 9113, 8.3.1). */
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
  const [id, method, target, secure, remoteAddress, body, rawHeaders] = arrayOf(head, 7);
  if (
    typeof id !== 'number' ||
    typeof method !== 'string' ||
    typeof target !== 'string' ||
    typeof remoteAddress !== 'string' ||
    typeof body !== 'number' ||
    !isListOfPairs(rawHeaders)
  ) {
    throw broken('the head of a request is malformed');
  }
  const address = remoteAddress === '' ? undefined : remoteAddress;
  return { id, method, target, secure: secure === 1, remoteAddress: address, body, rawHeaders };
}

export function encodeAnswer({ status, body, headers }: AnswerHead): Json {
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
    throw broken('the head of an answer is malformed');
  }
  return { status: status as number, body, headers };
}

function arrayOf(head: Json | undefined, length: number): readonly Json[] {
  if (Array.isArray(head) && head.length === length) return head;
  throw broken(`a head of ${length} parts is wanted`);
}

function isListOfPairs(value: Json | undefined): value is readonly string[] {
  if (!Array.isArray(value) || value.length % 2 !== 0) return false;
  for (const item of value) if (typeof item !== 'string') return false;
  return true;
}
