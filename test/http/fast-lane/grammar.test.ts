import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  MAX_FIELDS,
  MAX_HEAD_BYTES,
  MAX_TARGET_BYTES,
  parseRequest,
} from '../../../src/http/fast-lane/grammar.ts';
import { RUNS } from '../../support/slicing.ts';
import { watchdog } from '../../support/watchdog.ts';

/** What both parsers say of a request. */
interface Reading {
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly close: boolean;
}

const BROWSER = [
  'GET /style/site.css?v=3 HTTP/1.1',
  'Host: www.example.org:8080',
  'Connection: keep-alive',
  'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24"',
  'sec-ch-ua-mobile: ?0',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0',
  'Accept: text/css,*/*;q=0.1',
  'Sec-Fetch-Mode: no-cors',
  'Referer: http://www.example.org/',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en;q=0.9',
  'If-None-Match: W/"1a2b-3c"',
];
const head = (...lines: string[]): string => `${lines.join('\r\n')}\r\n\r\n`;
const read = (text: string) => parseRequest(Buffer.from(text, 'latin1'), 0);

test('parseRequest() reads what browsers and tools send', () => {
  const text = head(...BROWSER);
  const request = read(text)!;
  assert.equal(request.method, 'GET');
  assert.equal(request.target, '/style/site.css?v=3');
  assert.equal(request.length, text.length);
  assert.equal(request.close, false);
  assert.equal(request.fields.get('accept-encoding'), 'gzip, deflate, br, zstd');
  assert.deepEqual(request.rawHeaders.slice(0, 4), [
    'Host',
    'www.example.org:8080',
    'Connection',
    'keep-alive',
  ]);
  assert.equal(request.rawHeaders.length, 2 * (BROWSER.length - 1));
  assert.equal(read(head('HEAD / HTTP/1.1', 'host:[::1]:80', 'CONNECTION: Close'))?.close, true);
});

test('parseRequest() reads the request that begins at an offset, and no byte more', () => {
  const first = head('GET /1 HTTP/1.1', 'Host: a');
  const second = head('HEAD /2 HTTP/1.1', 'Host: a', 'Range: bytes=0-1');
  const bytes = Buffer.from(`${first}${second}GET`);
  assert.equal(parseRequest(bytes, 0)?.length, first.length);
  assert.equal(parseRequest(bytes, first.length)?.target, '/2');
  assert.equal(parseRequest(bytes, first.length + second.length), undefined);
  for (let end = 0; end < first.length; end++) {
    assert.equal(parseRequest(bytes.subarray(0, end), 0), undefined, `cut at ${end}`);
  }
});

const UNUSUAL: Record<string, string> = {
  'another method': head('POST / HTTP/1.1', 'Host: a'),
  'a method in lower case': head('get / HTTP/1.1', 'Host: a'),
  'an empty line before': `\r\n${head('GET / HTTP/1.1', 'Host: a')}`,
  'HTTP/1.0': head('GET / HTTP/1.0', 'Host: a'),
  'two spaces': head('GET  / HTTP/1.1', 'Host: a'),
  'the absolute form': head('GET http://a/ HTTP/1.1', 'Host: a'),
  'the asterisk form': head('GET * HTTP/1.1', 'Host: a'),
  'a fragment': head('GET /a#b HTTP/1.1', 'Host: a'),
  'a backslash': head('GET /a\\b HTTP/1.1', 'Host: a'),
  'a byte above ASCII in the target': head('GET /\xe9 HTTP/1.1', 'Host: a'),
  'a control character in the target': head('GET /\x01 HTTP/1.1', 'Host: a'),
  'a long target': head(`GET /${'a'.repeat(MAX_TARGET_BYTES)} HTTP/1.1`, 'Host: a'),
  'no host': head('GET / HTTP/1.1', 'Accept: a'),
  'two hosts': head('GET / HTTP/1.1', 'Host: a', 'Host: a'),
  'a strange host': head('GET / HTTP/1.1', 'Host: a@b'),
  'a list of hosts': head('GET / HTTP/1.1', 'Host: a,b'),
  'an unknown field': head('GET / HTTP/1.1', 'Host: a', 'X-Unknown: 1'),
  'a field twice': head('GET / HTTP/1.1', 'Host: a', 'Accept: a', 'accept: b'),
  'a length': head('GET / HTTP/1.1', 'Host: a', 'Content-Length: 0'),
  'a transfer coding': head('GET / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked'),
  'an upgrade': head('GET / HTTP/1.1', 'Host: a', 'Connection: upgrade', 'Upgrade: websocket'),
  'an expectation': head('GET / HTTP/1.1', 'Host: a', 'Expect: 100-continue'),
  'options of the connection': head('GET / HTTP/1.1', 'Host: a', 'Connection: keep-alive, Range'),
  'a space before the colon': head('GET / HTTP/1.1', 'Host : a'),
  'a folded line': head('GET / HTTP/1.1', 'Host: a', 'Accept: a', ' b'),
  'a tab in a value': head('GET / HTTP/1.1', 'Host: a', 'Accept:\ta'),
  'two spaces before a value': head('GET / HTTP/1.1', 'Host: a', 'Accept:  a'),
  'a space behind a value': head('GET / HTTP/1.1', 'Host: a', 'Accept: a '),
  'no value': head('GET / HTTP/1.1', 'Host: a', 'Accept:'),
  'a byte above ASCII in a value': head('GET / HTTP/1.1', 'Host: a', 'Accept: \xe9'),
  'a null in a value': head('GET / HTTP/1.1', 'Host: a', 'Accept: a\0b'),
  'a bare line feed': 'GET / HTTP/1.1\nHost: a\n\n',
  'a bare line feed behind a field': 'GET / HTTP/1.1\r\nHost: a\n\r\n',
  'a bare carriage return': 'GET / HTTP/1.1\r\nHost: a\r\rAccept: b\r\n\r\n',
  'a line feed alone at the end': 'GET / HTTP/1.1\r\nHost: a\r\n\n',
  'a large head': head('GET / HTTP/1.1', 'Host: a', `Cookie: ${'a'.repeat(MAX_HEAD_BYTES)}`),
  'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  TLS: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
};
for (const [what, text] of Object.entries(UNUSUAL)) {
  test(`parseRequest() leaves ${what} to others`, () => assert.equal(read(text), undefined));
}

const readWithBody = (text: string) => parseRequest(Buffer.from(text, 'latin1'), 0, true);

test('parseRequest() reads heads behind which a body may follow, and how long that is', () => {
  const lengthOf = (...lines: string[]) => readWithBody(head('POST / HTTP/1.1', 'Host: a', ...lines))?.body;
  assert.equal(lengthOf(), undefined);
  assert.equal(lengthOf('Content-Length: 0'), undefined);
  assert.deepEqual(lengthOf('content-length: 12'), { length: 12, isExpected: false });
  assert.deepEqual(lengthOf('Transfer-Encoding: chunked'), { length: undefined, isExpected: false });
  const expected = lengthOf('Content-Length: 1', 'Content-Type: a/b', 'Expect: 100-continue');
  assert.deepEqual(expected, { length: 1, isExpected: true });
  for (const method of ['PUT', 'PATCH', 'DELETE']) {
    assert.equal(readWithBody(head(`${method} / HTTP/1.1`, 'Host: a'))?.method, method);
  }
});

const ODD_LENGTHS = [
  ...['Content-Length: 01', 'Content-Length: +1', 'Content-Length: -1', 'Content-Length: 1,1'],
  ...[
    'Content-Length: 0x1',
    'Content-Length: 1 1',
    'Content-Length: 1e1',
    'Content-Length: 1234567890123456',
  ],
  ...['Transfer-Encoding: Chunked', 'Transfer-Encoding: gzip, chunked', 'Transfer-Encoding: identity'],
  ...['Content-Length: 1\r\nTransfer-Encoding: chunked', 'Content-Length: 1\r\nContent-Length: 1'],
  ...['Expect: 100-continue', 'Content-Length: 1\r\nExpect: 100-Continue', 'Content-Length: 1\r\nExpect: x'],
  ...[
    'Content-Length: 1\r\nTrailer: x',
    'Content-Length: 1\r\nUpgrade: x',
    'Content-Length: 1\r\nTE: trailers',
  ],
];
test('parseRequest() leaves what is odd about where a body ends to others', () => {
  for (const lines of ODD_LENGTHS) {
    assert.equal(readWithBody(head('POST / HTTP/1.1', 'Host: a', lines)), undefined, lines);
  }
  for (const start of ['POSTS /', 'PUTS /', 'post /', 'PATC /', 'DELET /', 'GET /', 'OPTIONS /']) {
    const text = head(`${start} HTTP/1.1`, 'Host: a', 'Content-Length: 1');
    assert.equal(readWithBody(text), undefined, start);
  }
});

test('the bounds of the grammar are within those of node:http', () => {
  assert(MAX_FIELDS < 2000 && MAX_HEAD_BYTES < 16 * 1024);
});

/** All requests that the fast lane takes from the front of some bytes, and where it stops. */
function ours(bytes: Buffer): { readings: Reading[]; end: number } {
  const readings: Reading[] = [];
  let end = 0;
  for (;;) {
    const parsed = parseRequest(bytes, end);
    if (parsed === undefined) return { readings, end };
    const { method, target, rawHeaders, close } = parsed;
    readings.push({ method, target, rawHeaders, close });
    end += parsed.length;
    if (close) return { readings, end };
  }
}

/** A socket in memory: gives some bytes, and takes what is written. */
class Line extends Duplex {
  constructor(bytes: Buffer) {
    super();
    this.push(bytes);
    this.push(null);
  }
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: unknown, done: () => void): void {
    done();
  }
}

/** All requests that node:http takes from some bytes. */
class NodeParser {
  readonly #server: Server;
  #readings: Reading[] = [];

  constructor() {
    this.#server = createServer((request, response) => {
      const { method = '', url = '', rawHeaders } = request;
      this.#readings.push({ method, target: url, rawHeaders, close: !response.shouldKeepAlive });
      request.on('data', () => assert.fail('a body'));
      response.end();
    });
    this.#server.on('clientError', (_error, socket) => socket.destroy());
    this.#server.on('upgrade', (_request, socket) => socket.destroy());
    this.#server.on('connect', (_request, socket) => socket.destroy());
  }

  async read(bytes: Buffer): Promise<Reading[]> {
    this.#readings = [];
    const line = new Line(bytes);
    const closed = new Promise(resolve => line.once('close', resolve));
    this.#server.emit('connection', line);
    await watchdog(closed, 'node:http to be done');
    return this.#readings;
  }
}

const SENTINEL = Buffer.from(head('GET /sentinel HTTP/1.1', 'Host: sentinel'));
const SENTINEL_READING: Reading = {
  method: 'GET',
  target: '/sentinel',
  rawHeaders: ['Host', 'sentinel'],
  close: false,
};

/**
 * Whatever the fast lane reads, node:http reads the same way, and sees the next request begin where we do.
 */
async function agree(parser: NodeParser, bytes: Buffer): Promise<number> {
  const { readings, end } = ours(bytes);
  if (readings.length === 0) return 0;
  const closes = readings.at(-1)!.close;
  const theirs = await parser.read(Buffer.concat([bytes.subarray(0, end), SENTINEL]));
  assert.deepEqual(
    theirs,
    closes ? readings : [...readings, SENTINEL_READING],
    JSON.stringify(bytes.toString('latin1')),
  );
  return readings.length;
}

const LINES = [
  ...BROWSER.slice(1),
  ...Object.values(UNUSUAL).flatMap(text => text.split('\r\n').slice(1, -2)),
  ...[
    'Connection: close',
    'Range: bytes=0-99,-5',
    'Cookie: a=b; c=d',
    'If-Range: "x"',
    'Accept: a,b',
    'Content-Length: 3',
  ],
  ...[
    'Transfer-Encoding: chunked',
    'Connection: Keep-Alive',
    'Host: b',
    'host: c:1',
    'TE: trailers',
    'Keep-Alive: 5',
  ],
];
const STARTS = [
  ...['GET / HTTP/1.1', 'HEAD /a%20b?c=d HTTP/1.1', 'GET /%00%2e%2e/ HTTP/1.1', 'GET //a/../b;c HTTP/1.1'],
  ...Object.values(UNUSUAL).map(text => text.split('\r\n', 1)[0]!),
];
const mostly = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
const lineEnd = mostly('\r\n', '\n', '\r', '\r\n\r\n', ' \r\n', '\r\n ', '');
const requestText = fc
  .tuple(
    fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...STARTS.slice(0, 4)) }, fc.constantFrom(...STARTS)),
    fc.array(fc.tuple(fc.constantFrom(...LINES), lineEnd), { maxLength: 6 }),
    mostly('Host: a\r\n', '', 'Host:a\r\n', 'Host: a \r\n', 'Host: [::1]\r\n'),
    mostly('\r\n', '\n', '\r', '', 'abc'),
  )
  .map(
    ([start, lines, host, end]) => `${start}\r\n${host}${lines.map(line => line.join('')).join('')}${end}`,
  );

/** Changes that turn a request into another one, or into none. */
const mutation = fc.record({
  kind: fc.constantFrom('set', 'insert', 'delete', 'double'),
  at: fc.noBias(fc.integer({ min: 0, max: 999 })),
  byte: fc.oneof(fc.constantFrom(...[0, 9, 10, 13, 32, 44, 58, 59, 92, 127, 128, 255]), fc.nat(255)),
  length: fc.integer({ min: 1, max: 12 }),
});
function mutate(
  bytes: Buffer,
  { kind, at, byte, length }: { kind: string; at: number; byte: number; length: number },
): Buffer {
  const place = Math.floor((at / 1000) * bytes.length);
  const [front, back] = [bytes.subarray(0, place), bytes.subarray(place)];
  const one = Buffer.of(byte);
  if (kind === 'set') return Buffer.concat([front, one, back.subarray(1)]);
  if (kind === 'insert') return Buffer.concat([front, one, back]);
  if (kind === 'delete') return Buffer.concat([front, back.subarray(length)]);
  return Buffer.concat([front, back.subarray(0, length), back]);
}

test('whatever the fast lane reads, node:http reads the same way: requests of odd parts', async () => {
  const parser = new NodeParser();
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(requestText, { minLength: 1, maxLength: 3 }), async texts => {
      accepted += await agree(parser, Buffer.from(texts.join(''), 'latin1'));
    }),
    { numRuns: 4000 * RUNS },
  );
  assert(accepted > 200, `only ${accepted} requests were compared`);
});

test('whatever the fast lane reads, node:http reads the same way: requests with bytes changed', async () => {
  const parser = new NodeParser();
  const seeds = [
    head(...BROWSER),
    head('HEAD / HTTP/1.1', 'host:[::1]:80', 'Connection: close'),
    head('GET /a HTTP/1.1', 'Host: a', 'Range: bytes=1-'),
  ];
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...seeds), { minLength: 1, maxLength: 3 }),
      fc.array(mutation, { minLength: 1, maxLength: 3 }),
      async (texts, changes) => {
        accepted += await agree(parser, changes.reduce(mutate, Buffer.from(texts.join(''), 'latin1')));
      },
    ),
    { numRuns: 4000 * RUNS },
  );
  assert(accepted > 200, `only ${accepted} requests were compared`);
});

test('whatever the fast lane reads, node:http reads the same way: every byte in every place', async () => {
  const parser = new NodeParser();
  const seed = Buffer.from(head('GET /a HTTP/1.1', 'Host: a', 'Accept: b'));
  for (let at = 0; at < seed.length; at++) {
    for (let byte = 0; byte < 256; byte++) {
      const changed = Buffer.from(seed);
      changed[at] = byte;
      await agree(parser, changed);
    }
  }
});
