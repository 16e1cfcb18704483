import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResponseHead } from '../../../../../src/http/proxy/origin/peer/response-head.ts';

const parse = (text: string) => parseResponseHead(Buffer.from(text, 'latin1'));

test('a head is read when all of it is there, and no further', () => {
  const text = 'HTTP/1.1 200 OK\r\nContent-Length: 12\r\nX-Name: \tcaf\xe9\xa0 \r\nEmpty:\r\n\r\n';
  const bytes = Buffer.from(`${text}more\r\n\r\n`, 'latin1');
  for (let end = 0; end < text.length; end++)
    assert.equal(parseResponseHead(bytes.subarray(0, end)), undefined);
  for (let end = text.length; end <= bytes.length; end++)
    assert.deepEqual(parseResponseHead(bytes.subarray(0, end)), {
      status: 200,
      headers: ['Content-Length', '12', 'X-Name', 'caf\xe9\xa0', 'Empty', ''],
      bodyLength: 12,
      close: false,
      length: text.length,
    });
});

test('how long the body is, and whether the connection ends with it, is said by the head', () => {
  const lengthOf = (head: string) => parse(`HTTP/1.1 ${head}\r\n\r\n`)?.bodyLength;
  assert.equal(lengthOf('200 OK\r\ncontent-length: 0'), 0);
  assert.equal(lengthOf('404 \r\nContent-Length: 999999999999999'), 999_999_999_999_999);
  assert.equal(lengthOf('200 OK\r\nTransfer-Encoding: chunked'), undefined);
  assert.equal(lengthOf('304 Not Modified\r\nContent-Length: 100'), 0);
  assert.equal(lengthOf('204 No Content'), 0);
  assert.equal(parse('HTTP/1.1 204 x\r\nConnection: Close\r\n\r\n')?.close, true);
  assert.equal(parse('HTTP/1.1 204 x\r\nConnection: keep-alive\r\n\r\n')?.close, false);
});

for (const [what, head] of [
  ['another protocol', 'HTTP/1.0 200 OK\r\nContent-Length: 1'],
  ['no protocol', 'hello'],
  ['an interim status', 'HTTP/1.1 100 Continue\r\nContent-Length: 1'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 1'],
  ['a status that is none', 'HTTP/1.1 600 OK\r\nContent-Length: 1'],
  ['a line without a colon', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nhello'],
  ['a name with a space', 'HTTP/1.1 200 OK\r\nContent-Length : 1'],
  ['no name', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n: x'],
  ['a folded line', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n folded: x'],
  ['a bare line feed', 'HTTP/1.1 200 OK\r\nContent-Length: 1\nX: y'],
  ['a bare carriage return', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX: a\rb'],
  ['a vertical tab before a value', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX:\x0ba'],
  ['a zero byte', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX: a\0b'],
  ['no length', 'HTTP/1.1 200 OK\r\nX: y'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2'],
  ['a length with a sign', 'HTTP/1.1 200 OK\r\nContent-Length: +1'],
  ['a length with a zero before it', 'HTTP/1.1 200 OK\r\nContent-Length: 01'],
  ['a length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999'],
  ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked'],
  ['a coding beside chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked'],
  ['a length that is none, where there is no body', 'HTTP/1.1 304 Not Modified\r\nContent-Length:'],
  ['chunks, where there is no body', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked'],
  ['a tab behind a length', 'HTTP/1.1 200 OK\r\nContent-Length: 1\t'],
  ['two spaces before chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding:  chunked'],
  ['more than 64 KiB', `HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX: ${'x'.repeat(65_536)}`],
] as const) {
  test(`a head with ${what} is none`, () => {
    assert.throws(() => parse(`${head}\r\n\r\n`), { code: 'ERR_IOLITE_PROTOCOL' });
  });
}

test('a head that does not come to its end is given up', () => {
  assert.equal(parse('HTTP/1.1 200 OK\r\n'.padEnd(65_535, 'x')), undefined);
  assert.throws(() => parse('HTTP/1.1 200 OK\r\n'.padEnd(65_536, 'x')), { code: 'ERR_IOLITE_PROTOCOL' });
});
