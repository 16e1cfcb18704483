import assert from 'node:assert/strict';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { DynamicTable } from '../../../../src/http/http2/hpack/dynamic-table.ts';
import { FieldDecoder } from '../../../../src/http/http2/hpack/field-decoder.ts';
import { encodeField } from '../../../../src/http/http2/hpack/field-encoder.ts';
import {
  huffmanDecode,
  huffmanEncode,
  huffmanLength,
} from '../../../../src/http/http2/hpack/huffman-code.ts';
import {
  STATIC_FIELDS,
  staticFieldIndex,
  staticNameIndex,
} from '../../../../src/http/http2/hpack/static-table.ts';
import { RUNS } from '../../../support/slicing.ts';

const bytesText = (maxLength: number): fc.Arbitrary<string> =>
  fc.uint8Array({ maxLength }).map(bytes => Buffer.from(bytes).toString('latin1'));

test('a text is the same after it was encoded and decoded', () => {
  fc.assert(
    fc.property(bytesText(200), text => {
      const bytes: number[] = [];
      huffmanEncode(text, bytes);
      assert.equal(bytes.length, huffmanLength(text));
      assert.equal(huffmanDecode(Buffer.from(bytes), 0, bytes.length), text);
    }),
    { numRuns: 200 * RUNS },
  );
});

test('the examples of RFC 7541, appendix C.4 and C.6.1', () => {
  const decoder = new FieldDecoder(65_536);
  const decode = (hex: string): string[] | undefined => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    return decoder.decode(bytes, 0, bytes.length);
  };
  const request = [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com'];
  assert.deepEqual(decode('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff'), request);
  assert.deepEqual(decode('8286 84be 5886 a8eb 1064 9cbf'), [...request, 'cache-control', 'no-cache']);
  assert.deepEqual(decode('8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf'), [
    ...[':method', 'GET', ':scheme', 'https', ':path', '/index.html', ':authority', 'www.example.com'],
    ...['custom-key', 'custom-value'],
  ]);
  assert.equal(STATIC_FIELDS, 61);
  assert.equal(staticNameIndex('www-authenticate'), 61);
  assert.equal(staticFieldIndex(':status', '500'), 14);
});

test('what is encoded is decoded, and changes nothing', () => {
  const name = fc.stringMatching(/^[a-z-]{1,20}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, bytesText(60)), { maxLength: 20 }), fields => {
      const decoder = new FieldDecoder(2 ** 20);
      const bytes: number[] = [];
      for (const [name, value] of fields) encodeField(name, value, bytes);
      assert.deepEqual(decoder.decode(Buffer.from(bytes), 0, bytes.length), fields.flat());
      assert.equal(decoder.generation, 0);
    }),
    { numRuns: 200 * RUNS },
  );
});

test('DynamicTable keeps what a plain list of the same bounds keeps', () => {
  const step = fc.oneof(
    fc.record({ name: bytesText(30), value: bytesText(200) }),
    fc.record({ size: fc.nat(512) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), steps => {
      const table = new DynamicTable(512);
      let limit = 512;
      const model: { name: string; value: string }[] = [];
      const size = (): number =>
        model.reduce((sum, { name, value }) => sum + name.length + value.length + 32, 0);
      for (const each of steps) {
        if ('size' in each) {
          assert.ok(table.resize(each.size));
          limit = each.size;
        } else {
          table.add(each.name, each.value);
          model.unshift(each);
        }
        while (size() > limit) model.pop();
        assert.equal(table.count, model.length);
        model.forEach(({ name, value }, index) => {
          assert.equal(table.name(index), name);
          assert.equal(table.value(index), value);
        });
      }
      assert.equal(table.resize(513), false);
    }),
    { numRuns: 200 * RUNS },
  );
});

test('whatever is decoded never throws, and a list is bounded', () => {
  const decoder = new FieldDecoder(300);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), random => {
      const bytes = Buffer.from(random);
      const list = decoder.decode(bytes, 0, bytes.length) ?? [];
      let size = 0;
      for (const text of list) size += text.length;
      assert.ok(size + 16 * list.length <= 300);
    }),
    { numRuns: 2000 * RUNS },
  );
});

test('node:http2 decodes what is encoded here', async () => {
  const seen: string[][] = [];
  const server = createServer();
  server.on(
    'stream',
    (stream: ServerHttp2Stream, _fields: unknown, _flags: unknown, rawHeaders: string[]) => {
      seen.push(rawHeaders);
      stream.respond({}, { endStream: true });
    },
  );
  await new Promise<void>(listening => {
    server.listen(0, '127.0.0.1', listening);
  });
  after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { RawHttp2, get, KIND } = await import('../support/raw-http2.ts');
  using client = await RawHttp2.open(port);
  const list = [
    ...[':method', 'GET', ':scheme', 'https', ':path', '/a?b=c', ':authority', 'example.org'],
    ...['accept', 'text/html', 'x-long', 'y'.repeat(300), 'x-bytes', '\x80\xff'],
  ];
  const bytes: number[] = [];
  for (let i = 0; i < list.length; i += 2) encodeField(list[i] as string, list[i + 1] as string, bytes);
  client.send(get(1, Buffer.from(bytes)));
  await client.next(({ kind }) => kind === KIND.headers, 'an answer');
  assert.deepEqual(seen[0]?.slice(0, 12), list.slice(0, 12));
});
