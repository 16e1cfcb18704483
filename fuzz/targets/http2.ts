import { createPool } from '../../src/aggregate/pool.ts';
import { Http2Lane } from '../../src/http/http2/http2-lane.ts';
import type { Handler, ServerRequest } from '../../src/http/message/exchange.ts';
import type { ByteLink } from '../../src/network/byte-link.ts';
import { frame, KIND, PREFACE, settings } from '../../test/http/http2/support/raw-http2.ts';
import { frameOf, TEXTS } from '../http2-frames.ts';
import { Random, seedOf } from '../random.ts';
import { agree, type Target } from '../target.ts';

const pool = createPool({ name: 'fuzz' });
const failures: unknown[] = [];
let asked: string[] = [];
const handler: Handler = {
  answer: (request, recipient) => {
    asked.push(JSON.stringify([request.method, request.target, request.rawHeaders]));
    read(request)
      .then(() => recipient.answered({ status: 200, headers: ['a', 'b'], body: pool.from('ok') }))
      .catch(error => recipient.failed(error));
    return { giveUp: () => {} };
  },
};
const lane = new Http2Lane(handler, pool, { secure: false, failed: error => failures.push(error) });

async function read({ body }: ServerRequest): Promise<void> {
  try {
    for await (const piece of body ?? []) piece.release();
  } catch {
    // The client has given up its request.
  }
}

/** A connection of HTTP/2 in memory: what is asked on it is the same however its bytes are cut. */
export const http2: Target = {
  name: 'http2',
  covers: ['http/http2/'],
  tokens: [...TEXTS, ...Object.values(KIND).map(kind => frame(kind, 5, 1, ''))],
  make: random => Buffer.concat(random.several(8, () => frameOf(random))),
  run: async bytes => {
    const whole = await outcome([bytes]);
    agree('what is asked', await outcome(new Random(seedOf(bytes)).cut(bytes)), whole);
    if (failures.length > 0) throw failures.pop();
  },
  close: () => {
    lane.destroy();
    pool.close();
  },
};

/** What is asked on a connection, and why it ends. */
async function outcome(pieces: readonly Buffer[]): Promise<unknown> {
  const list: string[] = [];
  asked = list;
  const link = new Memory();
  const host = lane.begin(link);
  for (const piece of [PREFACE, settings(), ...pieces]) {
    if (link.isClosed) break;
    host.received(Buffer.from(piece));
  }
  const reason = goawayOf(Buffer.concat(link.sent));
  await new Promise(setImmediate);
  if (!link.isClosed) host.ended();
  await new Promise(setImmediate);
  goawayOf(Buffer.concat(link.sent));
  return { list, reason };
}

/** A link that takes all that is sent. */
class Memory implements ByteLink {
  readonly remoteAddress = '127.0.0.1';
  readonly hasUnsent = false;
  readonly sent: Buffer[] = [];
  isClosed = false;

  send(pieces: readonly Uint8Array[]): boolean {
    for (const piece of pieces) this.sent.push(Buffer.from(piece));
    return true;
  }
  pause(): void {}
  resume(): void {}
  end(): void {}
  close(): void {
    this.isClosed = true;
  }
}

/** Why we end the connection, if we do. @throws unless what we say is frames, and whole ones */
function goawayOf(bytes: Buffer): number | undefined {
  let reason: number | undefined;
  let at = 0;
  while (at + 9 <= bytes.length) {
    const length = bytes.readUIntBE(at, 3);
    const kind = bytes[at + 3] as number;
    if (length > 16_384 || kind > KIND.continuation) throw new Error('We sent what is no frame');
    if (kind === KIND.goaway) reason = bytes.readUInt32BE(at + 13);
    at += 9 + length;
  }
  if (at !== bytes.length) throw new Error('We sent a frame without its end');
  return reason;
}
