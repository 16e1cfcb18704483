/**
 * The requests that the fast lane reads itself, and nothing else: docs/fast-lane.md is the specification. An
 * allow-list: what is not certain to mean the same to every HTTP parser is for node:http to read.
 */

import type { RequestNotes } from '../message/exchange.ts';
import type { StatedBody } from './upload/stated-body.ts';

/** Methods that are read. Behind the first two there is no body. */
type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A request that was read. The same bytes always make the same one: it may be used for many connections. */
export interface ParsedRequest {
  readonly method: Method;
  readonly target: string;
  /** By name in lower case. */
  readonly fields: ReadonlyMap<string, string>;
  /** In the order they came: name, value, name, value. */
  readonly rawHeaders: readonly string[];
  /** Whether the connection is to end with the answer. */
  readonly close: boolean;
  /** Bytes of its head, which is all of it where there is no body. */
  readonly length: number;
  /** Undefined where none follows. */
  readonly body: StatedBody | undefined;
  /** Of the handlers, where it is kept as it is likely to come again: see {@link RequestMemo}. */
  readonly notes: RequestNotes | undefined;
}

export const MAX_HEAD_BYTES = 8192;
export const MAX_TARGET_BYTES = 2048;
export const MAX_FIELDS = 64;

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const SLASH = 0x2f;
const COLON = 0x3a;

const TARGET = 0x1;
const VALUE = 0x2;
const NAME = 0x4;

/** What a byte may stand in. */
const classes = new Uint8Array(256);
// RFC 3986: pchar, '/' and '?'. No '#', '[', '\' or quotes, which parsers differ about.
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@%/?") {
  classes[char.charCodeAt(0)]! |= TARGET;
}
for (let byte = 0x20; byte <= 0x7e; byte++) classes[byte]! |= VALUE;
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-') {
  classes[char.charCodeAt(0)]! |= NAME;
}

/**
 * Fields that a request may have, each once. None of them asks for another protocol (Upgrade,
 * HTTP2-Settings).
 */
const NAMES = [
  ...['Host', 'Connection', 'User-Agent', 'Accept', 'Accept-Encoding', 'Accept-Language', 'Accept-Charset'],
  ...['If-None-Match', 'If-Modified-Since', 'If-Match', 'If-Unmodified-Since', 'If-Range', 'Range'],
  ...['Cache-Control', 'Pragma', 'Referer', 'Origin', 'Cookie', 'Authorization', 'From', 'Priority'],
  ...[
    'Upgrade-Insecure-Requests',
    'DNT',
    'Save-Data',
    'Purpose',
    'Sec-Purpose',
    'Sec-GPC',
    'X-Requested-With',
  ],
  ...['Sec-Fetch-Site', 'Sec-Fetch-Mode', 'Sec-Fetch-Dest', 'Sec-Fetch-User', 'Sec-Fetch-Storage-Access'],
  ...['Sec-CH-UA', 'Sec-CH-UA-Mobile', 'Sec-CH-UA-Platform', 'Sec-CH-UA-Arch', 'Sec-CH-UA-Model'],
  ...['Sec-CH-UA-Full-Version-List', 'Sec-CH-UA-Platform-Version', 'Sec-CH-UA-Bitness'],
  ...['Via', 'Forwarded', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Real-IP'],
  ...['X-Request-ID', 'Traceparent', 'Tracestate'],
  // Between machines of a cluster.
  ...['Iolite-Fill', 'Iolite-Pull', 'Iolite-Signature'],
];

/** Fields that only a request may have behind which a body may follow. */
const NAMES_WITH_BODY = [
  ...[
    'Content-Length',
    'Transfer-Encoding',
    'Expect',
    'Content-Type',
    'Content-Encoding',
    'Content-Language',
  ],
  ...['Content-Disposition', 'Content-MD5', 'Content-Digest', 'Repr-Digest', 'Digest', 'Idempotency-Key'],
  ...['X-CSRF-Token', 'X-XSRF-Token'],
];

/** The names as they are mostly written, to their form in lower case. */
const knownNames = new Map(bothForms(NAMES));
const knownNamesWithBody = new Map([...knownNames, ...bothForms(NAMES_WITH_BODY)]);

function bothForms(names: readonly string[]): [string, string][] {
  return names.flatMap((name): [string, string][] => [
    [name, name.toLowerCase()],
    [name.toLowerCase(), name.toLowerCase()],
  ]);
}

/** A name or IPv4 address, or an IPv6 address, with or without a port. */
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;

/** The first four bytes of each method as a number of 32 bits, as they lie in memory. */
const METHODS_WITH_BODY = new Map<number, Method>([
  [0x54534f50, 'POST'],
  [0x20545550, 'PUT'],
  [0x43544150, 'PATCH'],
  [0x454c4544, 'DELETE'],
]);
const GET_ = 0x20544547;
const HEAD = 0x44414548;
/** What the methods begin with behind which a body may follow. */
const P = 0x50;
const D = 0x44;
const PROTOCOL_LENGTH = ' HTTP/1.1\r\n'.length;

/** Whether what begins at `start` may be a request behind which a body may follow. */
export function mayHaveBody(bytes: Buffer, start: number): boolean {
  const first = bytes[start];
  return first === P || first === D;
}

/**
 * Reads the head of the request that begins at `start`.
 * @param takesBodies whether it may be one behind which a body may follow
 * @returns undefined when it is not one for the fast lane, or not all there: both are for node:http
 */
export function parseRequest(bytes: Buffer, start: number, takesBodies = false): ParsedRequest | undefined {
  const limit = Math.min(bytes.length, start + MAX_HEAD_BYTES);
  // The shortest there is: 'GET / HTTP/1.1\r\nHost:a\r\n\r\n'.
  if (limit - start < 26) return undefined;
  const word = bytes.readInt32LE(start);
  const isBare = word === GET_ || word === HEAD;
  if (!isBare && !takesBodies) return undefined;
  const method = word === GET_ ? 'GET' : word === HEAD ? 'HEAD' : METHODS_WITH_BODY.get(word);
  if (method === undefined || !isMethod(bytes, start, method)) return undefined;
  const names = isBare ? knownNames : knownNamesWithBody;

  const targetStart = start + method.length + 1;
  if (bytes[targetStart] !== SLASH) return undefined;
  let at = targetStart + 1;
  while (at < limit && (classes[bytes[at]!]! & TARGET) !== 0) at += 1;
  if (at - targetStart > MAX_TARGET_BYTES || !isProtocol(bytes, at, limit)) return undefined;
  const target = bytes.toString('latin1', targetStart, at);
  at += PROTOCOL_LENGTH;

  const fields = new Map<string, string>();
  const rawHeaders: string[] = [];
  while (at < limit && bytes[at] !== CR) {
    const nameStart = at;
    while (at < limit && (classes[bytes[at]!]! & NAME) !== 0) at += 1;
    if (at >= limit || bytes[at] !== COLON) return undefined;
    const name = bytes.toString('latin1', nameStart, at);
    const known = names.get(name) ?? names.get(name.toLowerCase());
    if (known === undefined || fields.has(known) || fields.size === MAX_FIELDS) return undefined;
    at += 1;
    if (bytes[at] === SPACE) at += 1;
    const valueStart = at;
    while (at < limit && (classes[bytes[at]!]! & VALUE) !== 0) at += 1;
    if (at + 1 >= limit || bytes[at] !== CR || bytes[at + 1] !== LF) return undefined;
    // An empty value, or white space around one: parsers agree, but no client sends it.
    if (at === valueStart || bytes[valueStart] === SPACE || bytes[at - 1] === SPACE) return undefined;
    const value = bytes.toString('latin1', valueStart, at);
    fields.set(known, value);
    rawHeaders.push(name, value);
    at += 2;
  }
  if (at + 1 >= limit || bytes[at + 1] !== LF) return undefined;
  const host = fields.get('host');
  if (host === undefined || !HOST.test(host)) return undefined;
  const close = closes(fields.get('connection'));
  if (close === undefined) return undefined;
  const body = isBare ? undefined : bodyOf(fields);
  if (body === 'odd') return undefined;
  return {
    method,
    target,
    fields,
    rawHeaders,
    close,
    length: at + 2 - start,
    body,
    notes: undefined,
  };
}

/** Whether a method whose first four bytes stand at `at` stands there, and a space behind it. */
function isMethod(bytes: Buffer, at: number, method: Method): boolean {
  for (let i = 4; i < method.length; i++) if (bytes[at + i] !== method.charCodeAt(i)) return false;
  return bytes[at + method.length] === SPACE;
}

/** No sign, no zero before others, and no more than a number holds. */
const LENGTH = /^(?:0|[1-9][0-9]{0,14})$/;

/** How long the body is that follows; undefined if none does. Where two fields say it, none is believed. */
function bodyOf(fields: ReadonlyMap<string, string>): StatedBody | undefined | 'odd' {
  const stated = fields.get('content-length');
  const coding = fields.get('transfer-encoding');
  const expected = fields.get('expect');
  if (expected !== undefined && expected !== '100-continue') return 'odd';
  const isExpected = expected !== undefined;
  if (coding !== undefined)
    return coding === 'chunked' && stated === undefined ? { length: undefined, isExpected } : 'odd';
  if (stated !== undefined && !LENGTH.test(stated)) return 'odd';
  const length = Number(stated ?? 0);
  if (length > 0) return { length, isExpected };
  // Nobody would wait for what is nothing.
  return isExpected ? 'odd' : undefined;
}

/** Whether ' HTTP/1.1\r\n' stands at `at`. */
function isProtocol(bytes: Buffer, at: number, limit: number): boolean {
  return (
    at + PROTOCOL_LENGTH < limit &&
    bytes[at] === SPACE &&
    bytes.readInt32LE(at + 1) === 0x50545448 && // 'HTTP'
    bytes.readInt32LE(at + 5) === 0x312e312f && // '/1.1'
    bytes[at + 9] === CR &&
    bytes[at + 10] === LF
  );
}

/** @returns undefined for other values than these two: options that name further fields */
function closes(connection: string | undefined): boolean | undefined {
  if (connection === undefined) return false;
  const option = connection.toLowerCase();
  if (option === 'keep-alive') return false;
  return option === 'close' ? true : undefined;
}

export const HEAD_END = '\r\n\r\n';

/** Whether bytes end before the head of the request at an offset does, which may be one for the fast lane. */
export function isCutOff(bytes: Buffer, start: number): boolean {
  return bytes.length - start < MAX_HEAD_BYTES && !bytes.includes(HEAD_END, start);
}
