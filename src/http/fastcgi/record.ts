import type { HeaderList } from '../message/header-list.ts';

/** Records of FastCGI 1.0 as bytes (section 3.3): what a server sends, and how what it is sent begins. */
export const RecordType = {
  BEGIN_REQUEST: 1,
  ABORT_REQUEST: 2,
  END_REQUEST: 3,
  PARAMS: 4,
  STDIN: 5,
  STDOUT: 6,
  STDERR: 7,
  DATA: 8,
  GET_VALUES: 9,
  GET_VALUES_RESULT: 10,
  UNKNOWN_TYPE: 11,
} as const;

/** What became of a request at the application (5.5). */
export const ProtocolStatus = {
  REQUEST_COMPLETE: 0,
  CANT_MPX_CONN: 1,
  OVERLOADED: 2,
  UNKNOWN_ROLE: 3,
} as const;

/** The number of the one request that a connection has at a time. */
export const REQUEST_ID = 0x01;
/** Of records that are about the connection (3.3). */
export const MANAGEMENT_ID = 0x00;

export const RECORD_HEAD_BYTES = 8;
/** Most that a record of ours carries: a multiple of 8, so that nothing is padded. */
export const CONTENT_BYTES = 0xfff8;

const FASTCGI_VERSION = 1;
const RESPONDER = 0x01;
const KEEP_CONN = 0x01;
/** Longer names and values have a length of four bytes, with this bit (3.4). */
const LONG_BIT = 0x80000000;
const SHORT_MOST_BYTES = 0x7f;

/** What a record says before its content. */
export interface RecordHead {
  readonly type: number;
  readonly id: number;
  readonly length: number;
  readonly padding: number;
}

/** What END_REQUEST says. */
export interface RequestEnd {
  readonly appStatus: number;
  /** One of {@link ProtocolStatus}, or another number. */
  readonly protocolStatus: number;
}

/** The head of a record of ours with so many bytes. */
export function recordHead(type: number, length: number, id = REQUEST_ID): Buffer {
  return Buffer.from([FASTCGI_VERSION, type, id >> 8, id & 0xff, length >> 8, length & 0xff, 0, 0]);
}

/** @returns undefined for a version that is another one */
export function readRecordHead(bytes: Uint8Array): RecordHead | undefined {
  const [version, type = 0, idHigh = 0, idLow = 0, high = 0, low = 0, padding = 0] = bytes;
  if (version !== FASTCGI_VERSION) return undefined;
  return { type, id: (idHigh << 8) | idLow, length: (high << 8) | low, padding };
}

/** @param bytes the content of END_REQUEST. @returns undefined for one that is none */
export function readEnd(bytes: Uint8Array): RequestEnd | undefined {
  const [a = 0, b = 0, c = 0, d = 0, protocolStatus = 0] = bytes;
  if (bytes.length !== 8) return undefined;
  return { appStatus: ((a << 24) | (b << 16) | (c << 8) | d) >>> 0, protocolStatus };
}

/** All records of a request before its body: it begins, and its parameters. */
export function requestRecords(params: HeaderList, keepsConnection: boolean): Buffer {
  const begin = Buffer.from([0, RESPONDER, keepsConnection ? KEEP_CONN : 0, 0, 0, 0, 0, 0]);
  const records = [recordHead(RecordType.BEGIN_REQUEST, begin.length), begin];
  const pairs = encodePairs(params);
  for (let at = 0; at < pairs.length; at += CONTENT_BYTES) {
    const part = pairs.subarray(at, at + CONTENT_BYTES);
    records.push(recordHead(RecordType.PARAMS, part.length), part);
  }
  records.push(recordHead(RecordType.PARAMS, 0));
  return Buffer.concat(records);
}

/** Names and values as they are in a record (3.4). Characters beyond latin1 are encoded as UTF-8. */
function encodePairs(params: HeaderList): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i < params.length; i += 2) {
    const name = bytesOf(params[i] as string);
    const value = bytesOf(params[i + 1] as string);
    parts.push(lengthOf(name), lengthOf(value), name, value);
  }
  return Buffer.concat(parts);
}

function lengthOf({ length }: Buffer): Buffer {
  if (length <= SHORT_MOST_BYTES) return Buffer.from([length]);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE((length | LONG_BIT) >>> 0);
  return bytes;
}

/** What clients sent is latin1: it goes on byte by byte. What is text of ours may be more. */
function bytesOf(text: string): Buffer {
  return /[^\0-\xff]/.test(text) ? Buffer.from(text, 'utf8') : Buffer.from(text, 'latin1');
}
