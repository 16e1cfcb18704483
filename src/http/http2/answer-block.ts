import { Aggregate } from '../../aggregate/aggregate.ts';
import { type Body, releaseBody } from '../message/body.ts';
import { EachSecond } from '../message/encoded/each-second.ts';
import { checkSendable, type EncodedHead, EncodedHeads } from '../message/encoded/encoded-head.ts';
import type { Answer } from '../message/exchange.ts';
import { fieldOf, type HeaderList, isField } from '../message/header-list.ts';
import { encodeField } from './hpack/field-encoder.ts';

/** Fields of a connection, which HTTP/2 does not have (RFC 9113, 8.2.2): an answer's are left out. */
const OF_CONNECTION = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

const NOTHING = Buffer.alloc(0);

const heads = new EncodedHeads('block', (status, headers, end) => {
  const bytes: number[] = [];
  encodeField(':status', String(status), bytes);
  addFields(headers, 0, end, bytes);
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
});

const date = new EachSecond(text => encoded(['date', text]));

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
  return date.value;
}

/**
 * Prepares an answer. A body that is not to be sent is released, also when this fails.
 * @throws ERR_IOLITE_ARGUMENT for a status or field that cannot be sent
 */
export function prepareReply(method: string, answer: Answer): PreparedReply {
  const { status, body } = answer;
  const isBare = method === 'HEAD' || status === 204 || status === 304;
  let head: EncodedHead;
  let last: Buffer;
  try {
    head = heads.of(answer);
    last = lastOf(answer, head, isBare && body === undefined);
  } catch (error) {
    releaseBody(body);
    throw error;
  }
  if (!isBare) return { status, block: head.bytes, last, body };
  releaseBody(body);
  return { status, block: head.bytes, last, body: undefined };
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
function lastOf(answer: Answer, head: EncodedHead, isLengthUnknown: boolean): Buffer {
  const { status, headers, body, kept } = answer;
  const isSized = body === undefined || Aggregate.isAggregate(body);
  const addsLength = !head.hasLength && isSized && !isLengthUnknown && status !== 204 && status !== 304;
  const fixed = kept?.fixed;
  if (!addsLength && fixed === undefined) return head.hasDate ? NOTHING : dateBlock();
  const bytes: number[] = head.hasDate ? [] : [...dateBlock()];
  if (addsLength) encodeField('content-length', String((body as Aggregate | undefined)?.length ?? 0), bytes);
  if (fixed !== undefined) addFields(headers, fixed, headers.length, bytes);
  return Buffer.from(bytes);
}

function addFields(headers: HeaderList, start: number, end: number, bytes: number[]): void {
  for (let i = start; i < end; i += 2) {
    const name = headers[i] as string;
    const value = String(headers[i + 1]);
    checkSendable(name, value);
    const lower = name.toLowerCase();
    // White space around a value would be malformed.
    if (!OF_CONNECTION.has(lower)) encodeField(lower, value.trim(), bytes);
  }
}
