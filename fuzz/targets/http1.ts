import { parseRequest } from '../../src/http/fast-lane/grammar.ts';
import {
  type BodyFraming,
  ChunkedFraming,
  LengthFraming,
  mayBegin,
} from '../../src/http/message/framing/body-framing.ts';
import { llhttp, type Understood } from '../llhttp.ts';
import { Random, seedOf } from '../random.ts';
import { CHUNKS, FIELDS, METHODS, requestOf, TARGETS } from '../requests.ts';
import { agree, type Target } from '../target.ts';

/**
 * Requests that the fast lane takes, and the ends of their bodies, against llhttp: what one takes for a body
 * and the other for a request is smuggling.
 */
export const http1: Target = {
  name: 'http1',
  covers: ['http/fast-lane/grammar.', 'http/message/framing/body-framing.'],
  tokens: [
    ...[...METHODS, ...TARGETS, ...FIELDS.map(field => `${field}\r\n`), ...CHUNKS],
    ...['\r\n', '\n', '\r', ' HTTP/1.1\r\n', ' HTTP/1.0\r\n', '\0', '\x0b', '\x0c', '\x85', '\xa0'],
  ],
  make: random => Buffer.from(random.several(4, () => requestOf(random)).join(''), 'latin1'),
  run: bytes => {
    const { messages, end } = ours(bytes);
    if (messages.length === 0) return;
    const theirs = llhttp(bytes.subarray(0, end));
    agree('the requests', messages, theirs.messages);
    if (theirs.failed) throw new Error('llhttp refuses what the fast lane takes');
  },
};

/** What the fast lane understands, up to where it leaves the rest to node:http. */
function ours(bytes: Buffer): { messages: Understood[]; end: number } {
  const messages: Understood[] = [];
  for (let at = 0; ; ) {
    const request = parseRequest(bytes, at, true);
    if (request === undefined) return { messages, end: at };
    const { method, target, rawHeaders, close, length, body } = request;
    const understood = { method, target, rawHeaders, body: '', isComplete: true, close };
    let used = 0;
    if (body !== undefined) {
      const rest = bytes.subarray(at + length);
      if (!mayBegin(body, rest)) return { messages, end: at };
      const framing = body.length === undefined ? new ChunkedFraming() : new LengthFraming(body.length);
      used = take(framing, rest, understood);
      // The connection ends there: what was read of it is dropped.
      if (used === -1) return { messages, end: at };
      understood.isComplete = framing.isOver;
    }
    messages.push(understood);
    at += length + used;
    if (close || !understood.isComplete) return { messages, end: at };
  }
}

/** Reads a body in pieces, as it may come. @returns how many bytes it has; -1 if they are none of one */
function take(framing: BodyFraming, rest: Buffer, into: Understood): number {
  let used = 0;
  for (const piece of new Random(seedOf(rest)).cut(rest)) {
    if (framing.isOver) break;
    const runs: number[] = [];
    const count = framing.take(piece, runs);
    if (count === -1) return -1;
    for (let i = 0; i < runs.length; i += 2) into.body += piece.toString('latin1', runs[i], runs[i + 1]);
    used += count;
  }
  return used;
}
