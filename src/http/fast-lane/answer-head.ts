import { STATUS_CODES } from 'node:http';
import { ArgumentError } from '../../base/error.ts';
import type { Answer } from '../message/exchange.ts';
import { fieldOf, fieldsFor, type HeaderList, hasField, isField } from '../message/header-list.ts';

/** The first lines of an answer in bytes, and what the last ones depend on. */
class Block {
  readonly status: number;
  readonly bytes: Buffer;
  readonly hasLength: boolean;
  /** What a server behind this one says of its answer stays. */
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

/** Whether the last lines have the time of this second. */
let isCurrent = false;
let dateLine = '';
let lastLines = Buffer.alloc(0);
let lastLinesClosing = Buffer.alloc(0);

/** How the body of an answer is delimited (RFC 9112, 6.3). */
export type Framing = 'none' | 'length' | 'chunked';

/**
 * The head of an answer, in two pieces: its own lines, whose bytes are kept with the list of fields, and
 * those that all answers of one second share, or those that differ each time.
 * @param length of the body where it is known and sent, or would have been to GET
 * @throws ERR_IOLITE_ARGUMENT for a status or field that cannot be sent
 */
export function answerHead(
  answer: Answer,
  framing: Framing,
  length: number,
  closing: boolean,
): [Buffer, Buffer] {
  const block = blockOf(answer);
  if (!isCurrent) turnSecond();
  const delimiter = delimiterLine(framing, length, block.hasLength);
  const { fixed } = answer.kept ?? {};
  if (delimiter !== '' || block.hasDate || fixed !== undefined) {
    const varying = fixed === undefined ? '' : fieldLines(answer.headers, fixed);
    return [block.bytes, lines(delimiter + (block.hasDate ? '' : dateLine) + varying, closing)];
  }
  return [block.bytes, closing ? lastLinesClosing : lastLines];
}

/** The last lines of all answers of this second, of those that state their length and no date. */
export function commonLines(): Buffer {
  if (!isCurrent) turnSecond();
  return lastLines;
}

function blockOf(answer: Answer): Block {
  const { headers, status, kept } = answer;
  const known = kept === undefined ? blocks.get(headers) : kept.head;
  if (known instanceof Block && known.status === status) return known;
  const block = serialise(answer);
  if (kept === undefined) blocks.set(headers, block);
  else kept.head = block;
  return block;
}

function delimiterLine(framing: Framing, length: number, isStated: boolean): string {
  if (framing === 'chunked') return 'Transfer-Encoding: chunked\r\n';
  return framing === 'length' && !isStated ? `Content-Length: ${length}\r\n` : '';
}

/** Whether the fields of an answer have its length. */
export function statesLength({ headers, kept }: Answer): boolean {
  const known = kept === undefined ? blocks.get(headers) : kept.head;
  return known instanceof Block ? known.hasLength : hasField(headers, 'content-length');
}

/** A timer tells when they are to be made anew: to look at the clock for each answer would cost more. */
function turnSecond(): void {
  const now = Date.now();
  isCurrent = true;
  const turn = (): void => {
    isCurrent = false;
  };
  setTimeout(turn, 1000 - (now % 1000)).unref();
  dateLine = `Date: ${new Date(now).toUTCString()}\r\n`;
  lastLines = lines(dateLine, false);
  lastLinesClosing = lines(dateLine, true);
}

function lines(first: string, closing: boolean): Buffer<ArrayBuffer> {
  return Buffer.from(`${first}${closing ? 'Connection: close\r\n' : ''}\r\n`, 'latin1');
}

function serialise({ status, headers: given, kept }: Answer): Block {
  if (!Number.isInteger(status) || status < 200 || status > 999) {
    throw new ArgumentError(`Cannot send answer: a status from 200 to 999 is wanted, ${status} was given`);
  }
  const reason = STATUS_CODES[status] ?? 'Unknown';
  const headers = kept === undefined ? fieldsFor(status, given) : given;
  const text = `HTTP/1.1 ${status} ${reason}\r\n${fieldLines(headers, 0, kept?.fixed)}`;
  // It lives long: in memory of its own it keeps no other's from being given back.
  const bytes = Buffer.allocUnsafeSlow(text.length);
  bytes.write(text, 'latin1');
  return new Block(status, headers, bytes);
}

function fieldLines(headers: HeaderList, start = 0, end = headers.length): string {
  let text = '';
  for (let i = start; i < end; i += 2) {
    const name = headers[i] as string;
    const value = String(headers[i + 1]);
    if (!isField(name, value)) {
      throw new ArgumentError(`Cannot send answer: field ${JSON.stringify(name)} cannot be sent`);
    }
    text += `${name}: ${value}\r\n`;
  }
  return text;
}

/** An interim response in bytes: 102, or 103 with its Link. @returns undefined for all others */
export function interimHead(status: number, headers: HeaderList): Buffer | undefined {
  if (status === 102) return Buffer.from('HTTP/1.1 102 Processing\r\n\r\n');
  const link = fieldOf(headers, 'link');
  return status === 103 && link !== undefined && isField('link', link) ? hintsHead([link]) : undefined;
}

/** A 103 (Early Hints, RFC 8297) in bytes. @throws ERR_IOLITE_ARGUMENT for a link that cannot be sent */
export function hintsHead(links: readonly string[]): Buffer {
  const headers = links.flatMap(link => ['Link', link]);
  return Buffer.from(`HTTP/1.1 103 Early Hints\r\n${fieldLines(headers)}\r\n`, 'latin1');
}
