import {
  type BodyFraming,
  ChunkedFraming,
  LengthFraming,
} from '../../src/http/message/framing/body-framing.ts';
import { hasField } from '../../src/http/message/header-list.ts';
import { parseResponseHead } from '../../src/http/proxy/origin/peer/response-head.ts';
import { llhttp, type Understood } from '../llhttp.ts';
import type { Random } from '../random.ts';
import { CHUNKS, FIELDS } from '../requests.ts';
import { agree, type Target } from '../target.ts';

const STARTS = [
  ...['HTTP/1.1 200 OK', 'HTTP/1.1 304 Not Modified', 'HTTP/1.1 204 ', 'HTTP/1.1 404 Not Found'],
  ...['HTTP/1.1 103 Early Hints', 'HTTP/1.0 200 OK', 'HTTP/1.1 200', 'HTTP/1.1 599 \t', 'HTTP/1.1 2000 OK'],
];

/**
 * Responses of another machine, against llhttp: what one takes for the end of a body and the other does not
 * would have the next client get what is another one's.
 */
export const responses: Target = {
  name: 'responses',
  covers: ['http/proxy/origin/peer/response-head.', 'http/message/framing/body-framing.'],
  tokens: [
    ...[...STARTS.map(start => `${start}\r\n`), ...FIELDS.map(field => `${field}\r\n`), ...CHUNKS],
    ...['\r\n', '\n', '\r', '\0', '\x0b', '\x0c', '\x85', '\xa0', '\t'],
  ],
  make: random => Buffer.from(responseOf(random), 'latin1'),
  run: bytes => {
    const response = ours(bytes);
    if (response === undefined) return;
    const theirs = llhttp(response.bytes, 'RESPONSE');
    const { understood } = response;
    agree('the response', [understood].map(settled), theirs.messages.map(settled));
    // It takes Proxy-Connection for Connection, which no standard does.
    const isOdd = understood.close || hasField(understood.rawHeaders, 'proxy-connection');
    if (!isOdd && theirs.messages[0]?.close === true)
      throw new Error('llhttp takes the connection for one that ends');
    if (theirs.failed) throw new Error('llhttp refuses what is taken of another machine');
  },
};

/** To end a connection that may be used on costs nobody anything. */
function settled(message: Understood): Understood {
  return { ...message, close: true };
}

/** What is taken for one response, and its bytes; undefined for what is refused. */
function ours(bytes: Buffer): { understood: Understood; bytes: Buffer } | undefined {
  let head: ReturnType<typeof parseResponseHead>;
  try {
    head = parseResponseHead(bytes);
  } catch {
    return undefined;
  }
  if (head === undefined) return undefined;
  const { status, headers: rawHeaders, bodyLength, close, length } = head;
  const framing: BodyFraming =
    bodyLength === undefined ? new ChunkedFraming() : new LengthFraming(bodyLength);
  const rest = Buffer.from(bytes.subarray(length));
  const runs: number[] = [];
  const used = framing.take(rest, runs);
  if (used === -1) return undefined;
  let body = '';
  for (let index = 0; index < runs.length; index += 2)
    body += rest.toString('latin1', runs[index], runs[index + 1]);
  const understood = { status, rawHeaders, body, isComplete: framing.isOver, close };
  return { understood, bytes: bytes.subarray(0, length + used) };
}

function responseOf(random: Random): string {
  const start = random.pick(random.chance(0.7) ? STARTS.slice(0, 4) : STARTS);
  const fields = random.several(3, () => `${random.pick(FIELDS)}\r\n`).join('');
  if (random.chance(0.5)) return `${start}\r\nContent-Length: 3\r\n${fields}\r\nabc`;
  const chunks = random.several(3, () => random.pick(CHUNKS)).join('');
  return `${start}\r\nTransfer-Encoding: chunked\r\n${fields}\r\n${chunks}0\r\n\r\n`;
}
