import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type BodyFraming,
  ChunkedFraming,
  LengthFraming,
  mayBegin,
} from '../../../../src/http/message/framing/body-framing.ts';
import { RUNS } from '../../../support/slicing.ts';
import { watchdog } from '../../../support/watchdog.ts';

interface Found {
  /** Undefined if the bytes are none of a body. */
  readonly body: string | undefined;
  readonly used: number;
  readonly isOver: boolean;
}

/** What a framing finds in bytes that come in pieces. */
function find(framing: BodyFraming, pieces: readonly Buffer[]): Found {
  let body = '';
  let used = 0;
  for (const piece of pieces) {
    const runs: number[] = [];
    // Each piece is memory of its own, as it is changed.
    const bytes = Buffer.from(piece);
    const count = framing.take(bytes, runs);
    if (count === -1) return { body: undefined, used, isOver: false };
    for (let i = 0; i < runs.length; i += 2) body += bytes.toString('latin1', runs[i], runs[i + 1]);
    used += count;
    if (count < piece.length) break;
  }
  return { body, used, isOver: framing.isOver };
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map(place => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}

const CHUNKED = '4\r\nabcd\r\n0A;name=value;other\r\n0123456789\r\n1\r\n\n\r\n0\r\n\r\n';

test('a body in chunks is the same wherever it is cut, and not a byte behind it is taken', () => {
  const bytes = Buffer.from(`${CHUNKED}GET / HTTP/1.1\r\n`);
  const wanted = { body: 'abcd0123456789\n', used: CHUNKED.length, isOver: true };
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second++) {
      assert.deepEqual(find(new ChunkedFraming(), cut(bytes, [first, second])), wanted);
    }
  }
});

test('whoever wants nothing of a body has its bytes left as they are', () => {
  const bytes = Buffer.from(CHUNKED);
  assert.equal(new ChunkedFraming().take(bytes, undefined), CHUNKED.length);
  assert.equal(bytes.toString(), CHUNKED);
});

const chunk = fc.oneof(
  fc.string({ minLength: 1, maxLength: 20 }),
  fc.integer({ min: 1, max: 6000 }).map(length => 'x'.repeat(length)),
);

test('bodies in chunks of all sizes are what a flat model says', () => {
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 6 }), (texts, places) => {
      const chunks = texts.map(text => Buffer.from(text));
      const framed = chunks.flatMap(each => [
        Buffer.from(`${each.length.toString(16)}\r\n`),
        each,
        Buffer.from('\r\n'),
      ]);
      const bytes = Buffer.concat([...framed, Buffer.from('0\r\n\r\n')]);
      const found = find(new ChunkedFraming(), cut(Buffer.concat([bytes, Buffer.from('abc')]), places));
      const body = Buffer.concat(chunks).toString('latin1');
      assert.deepEqual(found, { body, used: bytes.length, isOver: true });
    }),
    { numRuns: 500 * RUNS },
  );
});

test('a body of a stated length ends there, wherever it is cut', () => {
  for (let place = 0; place <= 10; place++) {
    const found = find(new LengthFraming(7), cut(Buffer.from('0123456789'), [place]));
    assert.deepEqual(found, { body: '0123456', used: 7, isOver: true });
  }
});

const ODD: Record<string, string> = {
  'a sign': '+1\r\na\r\n0\r\n\r\n',
  'a prefix': '0x1\r\na\r\n0\r\n\r\n',
  'no size': '\r\na\r\n',
  'a space before a size': ' 1\r\na\r\n0\r\n\r\n',
  'a space behind a size': '1 \r\na\r\n0\r\n\r\n',
  'a tab': '1\t\r\na\r\n0\r\n\r\n',
  'a huge size': 'fffffffffffffffff\r\n',
  'a size of many digits': '0000000000001\r\na\r\n0\r\n\r\n',
  'a negative size': '-1\r\n',
  'line feeds alone': '1\na\n0\n\n',
  'a line feed alone behind a size': '1\na\r\n0\r\n\r\n',
  'a carriage return alone': '1\ra\r\n0\r\n\r\n',
  'a chunk that is longer than its size': '1\r\nab\r\n0\r\n\r\n',
  'a chunk that is shorter than its size': '3\r\na\r\n0\r\n\r\n',
  'a trailer': '1\r\na\r\n0\r\nX-Checksum: 1\r\n\r\n',
  'a trailer that states a length': '0\r\nContent-Length: 5\r\n\r\n',
  'no name of an extension': '1;\r\na\r\n0\r\n\r\n',
  'no value of an extension': '1;a=\r\na\r\n0\r\n\r\n',
  'a quoted value': '1;a="\r\n"\r\na\r\n0\r\n\r\n',
  'two values': '1;a=b=c\r\na\r\n0\r\n\r\n',
  'a space in an extension': '1; a\r\na\r\n0\r\n\r\n',
  'a null in an extension': '1;a\0\r\na\r\n0\r\n\r\n',
  'a long extension': `1;${'a'.repeat(300)}\r\na\r\n0\r\n\r\n`,
};
for (const [what, text] of Object.entries(ODD)) {
  test(`a body in chunks with ${what} is none`, () => {
    const bytes = Buffer.from(text, 'latin1');
    assert.equal(find(new ChunkedFraming(), [bytes]).body, undefined);
    const { body } = find(
      new ChunkedFraming(),
      cut(
        bytes,
        Array.from(bytes, (_, place) => place),
      ),
    );
    assert.equal(body, undefined, 'a byte at a time');
    assert.equal(mayBegin({ length: undefined }, bytes), false);
  });
}

/** A socket in memory: gives some bytes, and takes what is written. */
class Line extends Duplex {
  constructor(bytes: Buffer) {
    super();
    this.push(bytes);
  }
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: unknown, done: () => void): void {
    done();
  }
}

test('whatever is read as chunks, node:http reads the same way, and finds the same end', async () => {
  let bodies: string[] = [];
  let done = (): void => {};
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('latin1').on('data', text => {
      body += text;
    });
    request.on('end', () => {
      bodies.push(body);
      response.end();
      if (body === 'sentinel') done();
    });
  });
  server.on('clientError', (_error, socket) => {
    socket.destroy();
    done();
  });
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
  const sentinel = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nsentinel';
  const change = fc.record({ at: fc.nat(CHUNKED.length - 1), byte: fc.nat(255), kind: fc.nat(2) });
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async changes => {
      let bytes = Buffer.from(CHUNKED);
      for (const { at, byte, kind } of changes) {
        const [front, back] = [bytes.subarray(0, at), bytes.subarray(at)];
        bytes = Buffer.concat([
          front,
          ...(kind === 2 ? [] : [Buffer.of(byte)]),
          kind === 1 ? back : back.subarray(1),
        ]);
      }
      const { body, used, isOver } = find(new ChunkedFraming(), [bytes]);
      if (body === undefined || !isOver) return;
      accepted += 1;
      bodies = [];
      const taken = bytes.subarray(0, used);
      const line = new Line(Buffer.concat([Buffer.from(head), taken, Buffer.from(sentinel)]));
      const isDone = new Promise<void>(resolve => {
        done = resolve;
      });
      server.emit('connection', line);
      await watchdog(isDone, 'node:http to be done');
      line.destroy();
      assert.deepEqual(bodies, [body, 'sentinel'], JSON.stringify(taken.toString('latin1')));
    }),
    { numRuns: 3000 * RUNS },
  );
  assert.ok(accepted > 100, `only ${accepted} bodies were compared`);
});
