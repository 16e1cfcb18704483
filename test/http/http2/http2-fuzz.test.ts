import assert from 'node:assert/strict';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { huffmanEncode, huffmanLength } from '../../../src/http/http2/hpack/huffman-code.ts';
import { staticNameIndex } from '../../../src/http/http2/hpack/static-table.ts';
import type { Http2Connection } from '../../../src/http/http2/http2-connection.ts';
import type { Handler } from '../../../src/http/message/exchange.ts';
import { RUNS } from '../../support/slicing.ts';
import { Http2Server } from './support/lane-server.ts';
import {
  END_HEADERS,
  END_STREAM,
  type Frame,
  frame,
  KIND,
  PADDED,
  RawHttp2,
  settings,
  WITH_PRIORITY,
} from './support/raw-http2.ts';

export type Tested = Http2Connection;

/** How a field is written. */
interface Writing {
  readonly field: readonly [string, string];
  readonly way: 'kept' | 'plain' | 'never';
  readonly hasName: boolean;
  readonly isHuffman: boolean;
}

interface Request {
  readonly fields: readonly Writing[];
  readonly body: Buffer | undefined;
  readonly padding: number;
  readonly hasPriority: boolean;
  readonly cuts: number;
}

/** Writes fields in all the ways that there are, with a table of its own as the decoder's. */
class Encoder {
  readonly #table: (readonly [string, string])[] = [];

  block(fields: readonly Writing[]): Buffer {
    const bytes: number[] = [];
    for (const each of fields) this.#field(each, bytes);
    return Buffer.from(bytes);
  }

  #field({ field, way, hasName, isHuffman }: Writing, bytes: number[]): void {
    const [name, value] = field;
    const known = this.#table.findIndex(([n, v]) => n === name && v === value);
    if (known !== -1 && way === 'kept') {
      integer(62 + known, 7, 0x80, bytes);
      return;
    }
    const named = this.#table.findIndex(([n]) => n === name);
    const index = !hasName ? 0 : named === -1 ? staticNameIndex(name) : 62 + named;
    if (way === 'kept') integer(index, 6, 0x40, bytes);
    else integer(index, 4, way === 'never' ? 0x10 : 0, bytes);
    if (index === 0) string(name, isHuffman, bytes);
    string(value, isHuffman, bytes);
    if (way !== 'kept') return;
    this.#table.unshift(field);
    let size = 0;
    for (let i = 0; i < this.#table.length; i++) {
      const [n, v] = this.#table[i] as [string, string];
      size += n.length + v.length + 32;
      if (size > 4096) this.#table.length = i;
    }
  }
}

function integer(value: number, prefix: number, first: number, bytes: number[]): void {
  const most = 2 ** prefix - 1;
  bytes.push(first | Math.min(value, most));
  let left = value - most;
  if (left < 0) return;
  for (; left >= 0x80; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
  bytes.push(left);
}

function string(text: string, isHuffman: boolean, bytes: number[]): void {
  integer(isHuffman ? huffmanLength(text) : text.length, 7, isHuffman ? 0x80 : 0, bytes);
  if (isHuffman) huffmanEncode(text, bytes);
  else for (let i = 0; i < text.length; i++) bytes.push(text.charCodeAt(i));
}

function framesOf(request: Request, id: number, encoder: Encoder): Buffer[] {
  const { body, padding, hasPriority, cuts } = request;
  const block = encoder.block(request.fields);
  let flags = (body === undefined ? END_STREAM : 0) | (cuts > 0 ? 0 : END_HEADERS);
  const size = Math.ceil(block.length / (cuts + 1));
  const first = [block.subarray(0, size)];
  if (hasPriority) {
    flags |= WITH_PRIORITY;
    first.unshift(Buffer.from([0, 0, 0, 0, 7]));
  }
  if (padding > 0) {
    flags |= PADDED;
    first.unshift(Buffer.of(padding));
    first.push(Buffer.alloc(padding));
  }
  const frames = [frame(KIND.headers, flags, id, Buffer.concat(first))];
  for (let cut = 1; cut <= cuts; cut++) {
    const part = block.subarray(cut * size, (cut + 1) * size);
    frames.push(frame(KIND.continuation, cut === cuts ? END_HEADERS : 0, id, part));
  }
  if (body !== undefined) {
    frames.push(frame(KIND.data, 0, id, body.subarray(0, 5)));
    frames.push(frame(KIND.data, END_STREAM, id, body.subarray(5)));
  }
  return frames;
}

const writing = (field: fc.Arbitrary<readonly [string, string]>): fc.Arbitrary<Writing> =>
  fc.record({
    field,
    way: fc.constantFrom('kept' as const, 'kept' as const, 'plain' as const, 'never' as const),
    hasName: fc.boolean(),
    isHuffman: fc.boolean(),
  });
const of = (name: string, ...values: string[]): fc.Arbitrary<Writing> =>
  writing(fc.constantFrom(...values).map(value => [name, value] as const));
const path = fc.stringMatching(/^\/[a-z0-9%.~/?=&-]{0,30}$/);
const value = fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/);
const name = fc.stringMatching(/^x-[a-z0-9-]{0,10}$/);
const others = fc.array(writing(fc.tuple(fc.oneof(name, fc.constantFrom('accept', 'cookie')), value)), {
  maxLength: 6,
});

function requests(method: string): fc.Arbitrary<readonly Writing[]> {
  return fc
    .tuple(
      of(':method', method),
      of(':scheme', 'http', 'https'),
      of(':authority', 'a', 'b.example:8080'),
      writing(path.map(text => [':path', text] as const)),
      others,
    )
    .map(([a, b, c, d, rest]) => [a, b, c, d, ...rest]);
}

const shape = {
  padding: fc.oneof(fc.constant(0), fc.nat(40)),
  hasPriority: fc.boolean(),
  cuts: fc.oneof(fc.constant(0), fc.nat(6)),
};
const request: fc.Arbitrary<Request> = fc.oneof(
  fc.record({ ...shape, fields: requests('GET'), body: fc.constant(undefined) }),
  fc.record({
    ...shape,
    fields: requests('POST'),
    body: fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes)),
  }),
);

/** What a server understood of a request. */
type Reading = readonly [rawHeaders: readonly string[], body: string];

const isEnd = ({ kind, flags, stream }: Frame): boolean =>
  stream > 0 && kind <= KIND.headers && (flags & END_STREAM) !== 0;

async function say(port: number, bytes: Buffer, cut: number, count: number): Promise<void> {
  using client = await RawHttp2.open(port, settings());
  for (let at = 0; at < bytes.length; at += cut) client.send(bytes.subarray(at, at + cut));
  for (let i = 0; i < count; i++) assert.ok(await client.next(isEnd, 'an answer'));
}

test('requests are understood as node:http2 understands them, however they are written', async () => {
  const theirs: Reading[] = [];
  const reference = createServer();
  reference.on(
    'stream',
    async (stream: ServerHttp2Stream, _fields: unknown, _flags: unknown, rawHeaders: string[]) => {
      const parts: Buffer[] = [];
      for await (const part of stream) parts.push(part as Buffer);
      theirs.push([rawHeaders, Buffer.concat(parts).toString('hex')]);
      stream.respond({ ':status': 200 }, { endStream: true });
    },
  );
  await new Promise<void>(listening => {
    reference.listen(0, '127.0.0.1', listening);
  });
  after(() => reference.close());
  const ours: Reading[] = [];
  const handler: Handler = {
    answer: (asked, recipient) => {
      const read = async (): Promise<void> => {
        const parts: Buffer[] = [];
        for await (const piece of asked.body ?? []) {
          parts.push(piece.toBuffer());
          piece.release();
        }
        ours.push([asked.rawHeaders, Buffer.concat(parts).toString('hex')]);
        recipient.answered({ status: 200, headers: [], body: undefined });
      };
      read().catch(error => recipient.failed(error));
      return { giveUp: () => {} };
    },
  };
  await using server = await Http2Server.start(handler);
  const { port } = reference.address() as AddressInfo;
  const sorted = (readings: Reading[]): string[] => readings.map(each => JSON.stringify(each)).sort();
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { minLength: 1, maxLength: 12 }),
      fc.oneof(fc.constant(1_000_000), fc.integer({ min: 1, max: 30 })),
      async (list, cut) => {
        const encoder = new Encoder();
        const frames = list.flatMap((each, index) => framesOf(each, 2 * index + 1, encoder));
        const bytes = Buffer.concat(frames);
        ours.length = 0;
        theirs.length = 0;
        await say(server.port, bytes, cut, list.length);
        await say(port, bytes, cut, list.length);
        assert.deepEqual(sorted(ours), sorted(theirs));
      },
    ),
    { numRuns: 40 * RUNS },
  );
});

test('whatever comes, nothing crashes, and others are answered', async () => {
  const handler: Handler = {
    answer: (_, recipient) => {
      recipient.answered({ status: 200, headers: [], body: Aggregate.adopt(Buffer.from('ok')) });
      return undefined;
    },
  };
  const failures: unknown[] = [];
  await using server = await Http2Server.start(handler, { failed: error => failures.push(error) });
  const wild = fc.record({
    kind: fc.nat(10),
    flags: fc.nat(255),
    stream: fc.nat(7),
    bytes: fc.uint8Array({ maxLength: 20 }).map(bytes => Buffer.from(bytes)),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { maxLength: 4 }), fc.array(wild), fc.nat(), async (list, odd, at) => {
      const encoder = new Encoder();
      const good = list.flatMap((each, index) => framesOf(each, 2 * index + 1, encoder));
      const bad = odd.map(({ kind, flags, stream, bytes }) => frame(kind, flags, stream, bytes));
      const bytes = Buffer.concat([...good, ...bad]);
      if (bytes.length > 0) bytes[at % bytes.length]! ^= 1 << (at % 8);
      using client = await RawHttp2.open(server.port);
      client.send(bytes);
      client.socket.end();
      await client.ended();
    }),
    { numRuns: 40 * RUNS },
  );
  assert.deepEqual(failures, []);
  using client = await RawHttp2.open(server.port);
  assert.ok(await client.settle());
});
