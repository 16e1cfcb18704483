import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRequest } from '../../../src/http/fast-lane/grammar.ts';
import { RequestMemo } from '../../../src/http/fast-lane/request-memo.ts';

/** What a memo makes of bytes behind which other bytes lie. */
function recall(memo: RequestMemo, bytes: Buffer, behind: Buffer) {
  memo.buffer.set(bytes);
  memo.buffer.set(behind, bytes.length);
  return memo.recall(bytes.length);
}

const request = fc
  .tuple(
    fc.constantFrom('GET', 'HEAD', 'POST'),
    fc.constantFrom('/', '/a', '/b', '/abc'),
    fc.constantFrom('', 'Accept: a\r\n', 'Accept: b\r\n', `Referer: ${'x'.repeat(900)}\r\n`, 'X-Odd: a\r\n'),
    fc.constantFrom('', ' ', 'GET / HTTP/1.1\r\n'),
  )
  .map(([method, target, field, rest]) =>
    Buffer.from(`${method} ${target} HTTP/1.1\r\nHost: host\r\n${field}\r\n${rest}`),
  );

test('recall() says what parsing says, whatever came before and lies behind', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(request, fc.uint8Array({ maxLength: 5 }), fc.nat(), fc.nat()), { maxLength: 40 }),
      steps => {
        const memo = new RequestMemo();
        const before = new Set<string>();
        for (const [bytes, behind, at, flip] of steps) {
          // Mostly the request as it is, else with a bit changed.
          if (flip % 4 === 0) {
            const place = at % bytes.length;
            bytes[place] = (bytes[place] as number) ^ (1 << (flip % 7));
          }
          const parsed = parseRequest(bytes, 0);
          const isKept = parsed?.length === bytes.length && bytes.length <= 1024;
          const came = before.has(bytes.toString('latin1'));
          if (isKept) before.add(bytes.toString('latin1'));
          const expected = came ? { ...parsed, notes: { site: undefined } } : parsed;
          assert.deepEqual(recall(memo, bytes, Buffer.from(behind)), isKept ? expected : undefined);
        }
      },
    ),
  );
});

test('recall() gives the same object for the same bytes, until another request takes its slot', () => {
  const memo = new RequestMemo();
  const bytes = (path: number): Buffer => Buffer.from(`GET /${path} HTTP/1.1\r\nHost: host\r\n\r\n`);
  const once = recall(memo, bytes(0), Buffer.alloc(0));
  assert.ok(once !== undefined && once.notes === undefined);
  const first = recall(memo, bytes(0), Buffer.from('a'));
  assert.ok(Object.isFrozen(first?.rawHeaders));
  assert.equal(recall(memo, bytes(0), Buffer.from('bc')), first);
  const seen = new Set<unknown>();
  for (let path = 0; path < 20_000; path++) {
    recall(memo, bytes(path), Buffer.alloc(0));
    const parsed = recall(memo, bytes(path), Buffer.alloc(0));
    assert.equal(parsed?.target, `/${path}`);
    seen.add(parsed);
  }
  assert.equal(seen.size, 20_000);
  assert.notEqual(recall(memo, bytes(0), Buffer.alloc(0)), first);
});
