import type { Msg, NatsConnection } from '@nats-io/transport-node';
import type { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import { Link } from '../../src/cluster/link/link.ts';
import { writeLinkGreeting } from '../../src/cluster/link/link-greeting.ts';
import { checkedLinkOptions } from '../../src/cluster/link/link-options.ts';
import { Payloads } from '../../src/cluster/link/payloads.ts';
import type { Message } from '../../src/ipc/message.ts';
import { FrameReader, FrameType, FrameWriter } from '../../src/ipc/wire/frame.ts';
import { DEFAULT_QUOTAS } from '../../src/ipc/wire/quotas.ts';
import { rawFrame } from '../../test/support/hostile.ts';
import { HEADS } from '../channel-frames.ts';
import { makeLinkFrames } from '../link-frames.ts';
import { Random, seedOf } from '../random.ts';
import { agree, type Target } from '../target.ts';

const MAX_PAYLOAD_BYTES = 1024 ** 2;
/** Turns of the event loop in which a program takes what came. */
const TURNS = 4;
const pool = createPool({ name: 'fuzz', chunkSize: 64 * 1024 });
/** Links of a cluster without a secret: what is signed is compared, and read no further. */
const trust = { secret: undefined, subject: 'fuzz' };
const greeting = greetingBytes();

/**
 * A link between two machines whose peer says whatever it likes, in messages of NATS that none has carried.
 * A case that begins with an even byte comes behind a greeting, another one in the place of it.
 */
export const link: Target = {
  name: 'link',
  covers: ['cluster/link/', 'ipc/stream/', 'ipc/flow/', 'ipc/requester.', 'ipc/responder.'],
  tokens: [
    ...HEADS,
    ...[4, 8].map(length => Buffer.alloc(length)),
    greeting,
    ...Object.values(FrameType).map(type => rawFrame(type, Buffer.alloc(4))),
  ],
  make: random => Buffer.concat([Buffer.of(random.chance(0.9) ? 0 : 1), makeLinkFrames(random)]),
  run: async bytes => {
    const [first = 0] = bytes;
    const frames = bytes.subarray(1);
    const begin = first % 2 === 0 ? [greeting] : [];
    const whole = await outcome([...begin, frames]);
    agree('what comes of it', await outcome([...begin, ...new Random(seedOf(bytes)).cut(frames)]), whole);
    agree('bytes that are still used', pool.stats().bytesUsed, 0);
  },
  close: () => pool.close(),
};

function greetingBytes(): Buffer {
  const writer = new FrameWriter();
  const [machine, heartbeatMs, maxPayload] = ['fuzz', 60_000, MAX_PAYLOAD_BYTES];
  const own = { machine, heartbeatMs, maxPayload, quotas: DEFAULT_QUOTAS };
  writeLinkGreeting(writer, { ...own, nonce: '0'.repeat(32), proof: undefined });
  return Buffer.from(writer.take());
}

/** What a program hears over a link, and how that ends: nothing is held then, and all that it said is frames. */
async function outcome(pieces: readonly Buffer[]): Promise<unknown> {
  const sent: Buffer[] = [];
  const connection = {
    info: { max_payload: MAX_PAYLOAD_BYTES },
    publish: (_: string, bytes: Uint8Array) => sent.push(Buffer.from(bytes)),
  };
  const payloads = new Payloads(connection as unknown as NatsConnection, 'ours');
  payloads.peer = 'theirs';
  const told: unknown[] = [];
  let end: string | undefined = 'open';
  const options = checkedLinkOptions({ pool, maxStreams: 3, maxMessages: 20, maxBodyBytes: 2 ** 20 });
  const made = new Link({ payloads, options, trust, machine: 'own', name: 'fuzz', closed: () => {} });
  made.once('close', error => {
    end = codeOf(error);
  });
  const program = use(made, told);
  for (const [number, data] of pieces.entries())
    made.received({ subject: 'ours.m', reply: `theirs.${number}`, data } as unknown as Msg);
  for (let turn = 0; turn < TURNS; turn++) await new Promise(setImmediate);
  made.destroy();
  await program;
  new FrameReader().push(Buffer.concat(sent), () => {});
  return { told, end };
}

/** A program that asks, sends a stream, answers, and reads all that comes. */
async function use(made: Link, told: unknown[]): Promise<void> {
  made.onRequest(({ head, body }) => {
    told.push(['asked', head, textOf(body)]);
    return { head: 'answer', body: pool.from('answered') };
  });
  const ends = await Promise.allSettled([
    read(made, told),
    made.request({ head: 'question' }).then(({ head, body }) => told.push(['answered', head, textOf(body)])),
    made.sendStream(pieces()),
  ]);
  for (const each of ends)
    if (each.status === 'rejected' && codeOf(each.reason) === undefined) throw each.reason;
}

/** Made as they are asked for: whoever reads them takes them over. */
function* pieces(): Generator<Aggregate> {
  for (const text of ['one', 'two']) yield pool.from(text);
}

async function read(made: Link, told: unknown[]): Promise<void> {
  for await (const { head, body, stream } of made) {
    told.push(['told', head, textOf(body)]);
    if (stream !== undefined) void readStream(stream, told).catch(() => {});
  }
}

async function readStream(stream: NonNullable<Message['stream']>, told: unknown[]): Promise<void> {
  let text = '';
  try {
    for await (const piece of stream) text += textOf(piece);
  } finally {
    told.push(['streamed', text]);
  }
}

/** The text of a body, which is released. */
function textOf(body: Aggregate | undefined): string | undefined {
  using taken = body;
  return taken?.toString('latin1');
}

/** @throws the error, unless it has a code, or none was thrown */
function codeOf(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  const { code } = error as { readonly code?: unknown };
  // What the peer says of its own errors comes with their codes.
  if (typeof code !== 'string' || code === 'ERR_IOLITE_INVARIANT' || /^ERR_(?!IOLITE)/.test(code))
    throw error;
  return code;
}
