import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { frameRanges } from '../../../../src/http/message/framing/multipart.ts';

test('ranges come out of the body as they went in (RFC 9110, 14.6)', () => {
  const size = 1000;
  const range = fc.tuple(fc.nat(size - 1), fc.nat(size - 1)).map(([a, b]) => ({
    start: Math.min(a, b),
    end: Math.max(a, b) + 1,
  }));
  const content = Buffer.from(Array.from({ length: size }, (_, i) => 97 + (i % 26)));
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 6 }), ranges => {
      const { mediaType, length, pieces } = frameRanges(ranges, 'text/x', size);
      const body = pieces
        .map(piece =>
          typeof piece === 'string' ? piece : content.toString('latin1', piece.start, piece.end),
        )
        .join('');
      assert.equal(body.length, length);
      const boundary = /^multipart\/byteranges; boundary=([\w-]{24})$/.exec(mediaType)?.[1];
      assert.ok(body.endsWith(`\r\n--${boundary}--\r\n`));
      const parts = body.slice(0, -`\r\n--${boundary}--\r\n`.length).split(`--${boundary}\r\n`).slice(1);
      assert.deepEqual(
        parts.map((part, i) => (i < parts.length - 1 ? part.replace(/\r\n$/, '') : part)),
        ranges.map(
          ({ start, end }) =>
            `Content-Type: text/x\r\nContent-Range: bytes ${start}-${end - 1}/${size}\r\n\r\n` +
            content.toString('latin1', start, end),
        ),
      );
    }),
  );
});

test('no two bodies have the same boundary', () => {
  const types = Array.from({ length: 50 }, () => frameRanges([{ start: 0, end: 1 }], 'a/b', 1).mediaType);
  assert.equal(new Set(types).size, 50);
});
