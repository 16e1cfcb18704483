import { Aggregate } from '../../aggregate/aggregate.ts';
import { ArgumentError } from '../../base/error.ts';
import { type Body, releaseBody } from '../message/body.ts';
import type { Answer } from '../message/exchange.ts';
import { fieldOf, fieldsFor, type HeaderList, hasField, isField } from '../message/header-list.ts';
import { encodeField } from './hpack/field-encoder.ts';

/** Fields of a connection, which HTTP/2 does not have (RFC 9113, 8.2.2): an answer's are left out. */
const OF_CONNECTION = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

/** The first fields of an answer, encoded, and what the last ones depend on. */
class Block {
  readonly status: number;
  readonly bytes: Buffer;
  readonly hasLength: boolean;
  readonly hasDate: boolean;

  constructor(status: number, headers: HeaderList, bytes: Buffer) {
    this.status = status;
    this.bytes = bytes;
    this.hasLength = hasField(headers, 'content-length');
    this.hasDate = hasField(headers, 'date');
  }
}

/** By the list itself: handlers give the same list for the same file. */
const blocks = new WeakMap<HeaderList, Block>();
const NOTHING = Buffer.alloc(0);

let isCurrent = false;
let dateBytes = NOTHING;

/** An answer about to be sent: its fields, encoded, in two pieces, and what of its body is sent. */
export interface PreparedReply {
  readonly status: number;
  readonly block: Buffer;
  /** What differs each time, or with the second. */
  readonly last: Buffer;
  /** Taken over. */
  readonly body: Body | undefined;
}

/** The date, as all answers of this second have it as their last field. */
export function dateBlock(): Buffer {
  if (isCurrent) return dateBytes;
  const now = Date.now();
  isCurrent = true;
  const turn = (): void => {
    isCurrent = false;
  };
  setTimeout(turn, 1000 - (now % 1000)).unref();
  dateBytes = encoded(['date', new Date(now).toUTCString()]);
  return dateBytes;
}

/**
 * Prepares an answer. A body that is not to be sent is released, also when this fails.
 * @throws ERR_IOLITE_ARGUMENT for a status or field that cannot be sent
 */
export function prepareReply(method: string, answer: Answer): PreparedReply {
  const { status, body } = answer;
  const isBare = method === 'HEAD' || status === 204 || status === 304;
  let block: Block;
  let last: Buffer;
  try {
    block = blockOf(answer);
    last = lastOf(answer, block, isBare && body === undefined);
  } catch (error) {
    releaseBody(body);
    throw error;
  }
  if (!isBare) return { status, block: block.bytes, last, body };
  releaseBody(body);
  return { status, block: block.bytes, last, body: undefined };
}

/** An interim response, encoded: 100, 102, or 103 with its Link. @returns undefined for all others */
export function interimBlock(status: number, headers: HeaderList): Buffer | undefined {
  if (status === 100 || status === 102) return encoded([':status', String(status)]);
  const link = fieldOf(headers, 'link');
  if (status !== 103 || link === undefined || !isField('link', link)) return undefined;
  return encoded([':status', '103', 'link', link]);
}

/** A 103 (Early Hints, RFC 8297), encoded. @throws ERR_IOLITE_ARGUMENT for a link that cannot be sent */
export function hintsBlock(links: readonly string[]): Buffer {
  const bytes: number[] = [];
  encodeField(':status', '103', bytes);
  addFields(
    links.flatMap(link => ['link', link]),
    0,
    2 * links.length,
    bytes,
  );
  return Buffer.from(bytes);
}

function encoded(headers: HeaderList): Buffer<ArrayBuffer> {
  const bytes: number[] = [];
  for (let i = 0; i < headers.length; i += 2)
    encodeField(headers[i] as string, headers[i + 1] as string, bytes);
  return Buffer.from(bytes);
}

/** Date, Content-Length where the fields do not have it, and what of them differs each time. */
function lastOf(answer: Answer, block: Block, isLengthUnknown: boolean): Buffer {
  const { status, headers, body, kept } = answer;
  const isSized = body === undefined || Aggregate.isAggregate(body);
  const addsLength = !block.hasLength && isSized && !isLengthUnknown && status !== 204 && status !== 304;
  const fixed = kept?.fixed;
  if (!addsLength && fixed === undefined) return block.hasDate ? NOTHING : dateBlock();
  const bytes: number[] = block.hasDate ? [] : [...dateBlock()];
  if (addsLength) encodeField('content-length', String((body as Aggregate | undefined)?.length ?? 0), bytes);
  if (fixed !== undefined) addFields(headers, fixed, headers.length, bytes);
  return Buffer.from(bytes);
}

function blockOf(answer: Answer): Block {
  const { headers, status, kept } = answer;
  const known = kept === undefined ? blocks.get(headers) : kept.block;
  if (known instanceof Block && known.status === status) return known;
  const block = encode(answer);
  if (kept === undefined) blocks.set(headers, block);
  else kept.block = block;
  return block;
}

function encode({ status, headers: given, kept }: Answer): Block {
  if (!Number.isInteger(status) || status < 200 || status > 999) {
    throw new ArgumentError(`Cannot send answer: a status from 200 to 999 is wanted, ${status} was given`);
  }
  const headers = kept === undefined ? fieldsFor(status, given) : given;
  const bytes: number[] = [];
  encodeField(':status', String(status), bytes);
  addFields(headers, 0, kept?.fixed ?? headers.length, bytes);
  // It lives long: in memory of its own it keeps no other's from being given back.
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return new Block(status, headers, own);
}

function addFields(headers: HeaderList, start: number, end: number, bytes: number[]): void {
  for (let i = start; i < end; i += 2) {
    const name = headers[i] as string;
    const value = String(headers[i + 1]);
    if (!isField(name, value)) {
      throw new ArgumentError(`Cannot send answer: field ${JSON.stringify(name)} cannot be sent`);
    }
    const lower = name.toLowerCase();
    // White space around a value would be malformed.
    if (!OF_CONNECTION.has(lower)) encodeField(lower, value.trim(), bytes);
  }
}
