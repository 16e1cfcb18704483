import { STATUS_CODES } from 'node:http';
import { EachSecond } from '../message/encoded/each-second.ts';
import { checkSendable, EncodedHeads } from '../message/encoded/encoded-head.ts';
import type { Answer } from '../message/exchange.ts';
import { fieldOf, type HeaderList, isField } from '../message/header-list.ts';

const heads = new EncodedHeads('head', (status, headers, end) => {
  const reason = STATUS_CODES[status] ?? 'Unknown';
  const text = `HTTP/1.1 ${status} ${reason}\r\n${fieldLines(headers, 0, end)}`;
  const bytes = Buffer.allocUnsafeSlow(text.length);
  bytes.write(text, 'latin1');
  return bytes;
});

/** The last lines of all answers of one second. */
const common = new EachSecond(date => {
  const line = `Date: ${date}\r\n`;
  return { date: line, open: lines(line, false), closing: lines(line, true) };
});

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
  const head = heads.of(answer);
  const last = common.value;
  const delimiter = delimiterLine(framing, length, head.hasLength);
  const { fixed } = answer.kept ?? {};
  if (delimiter !== '' || head.hasDate || fixed !== undefined) {
    const varying = fixed === undefined ? '' : fieldLines(answer.headers, fixed);
    return [head.bytes, lines(delimiter + (head.hasDate ? '' : last.date) + varying, closing)];
  }
  return [head.bytes, closing ? last.closing : last.open];
}

/** The last lines of all answers of this second, of those that state their length and no date. */
export function commonLines(): Buffer {
  return common.value.open;
}

function delimiterLine(framing: Framing, length: number, isStated: boolean): string {
  if (framing === 'chunked') return 'Transfer-Encoding: chunked\r\n';
  return framing === 'length' && !isStated ? `Content-Length: ${length}\r\n` : '';
}

/** Whether the fields of an answer have its length. */
export function statesLength(answer: Answer): boolean {
  return heads.statesLength(answer);
}

function lines(first: string, closing: boolean): Buffer<ArrayBuffer> {
  return Buffer.from(`${first}${closing ? 'Connection: close\r\n' : ''}\r\n`, 'latin1');
}

function fieldLines(headers: HeaderList, start = 0, end = headers.length): string {
  let text = '';
  for (let i = start; i < end; i += 2) {
    const name = headers[i] as string;
    const value = String(headers[i + 1]);
    checkSendable(name, value);
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
