import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWebLog, parseWebLog } from '../../../../src/cli/bench/trace/web-log.ts';

function logged(request: string, status = 200, bytes: number | string = 1234): string {
  return `203.0.113.7 - - [10/Oct/2000:13:55:36 -0700] "${request}" ${status} ${bytes}`;
}

test('the file of a request is the path without the query', () => {
  const cases: [string, string | undefined][] = [
    ['GET /a.gif HTTP/1.0', '/a.gif'],
    ['GET /a.gif?v=7 HTTP/1.1', '/a.gif'],
    ['GET /a%20b/?x#y HTTP/2.0', '/a%20b/'],
    ['GET http://host.example/a.gif HTTP/1.1', '/a.gif'],
    ['GET /a.gif', '/a.gif'],
    ['GET / HTTP/1.1', '/'],
    ['HEAD /a.gif HTTP/1.1', undefined],
    ['POST /a.gif HTTP/1.1', undefined],
    ['GET * HTTP/1.1', undefined],
    ['-', undefined],
    ['\\x16\\x03\\x01', undefined],
  ];
  for (const [request, name] of cases) assert.equal(parseWebLog(logged(request))?.name, name, request);
});

test('whole and partial answers tell a size, unmodified ones a read only, others nothing', () => {
  assert.equal(parseWebLog(logged('GET /a HTTP/1.1', 200))?.size, 1234);
  assert.equal(parseWebLog(logged('GET /a HTTP/1.1', 200, '-'))?.size, 0);
  assert.equal(parseWebLog(logged('GET /a HTTP/1.1', 206))?.size, 1234);
  assert.deepEqual(parseWebLog(logged('GET /a HTTP/1.1', 304, '-')), { name: '/a', size: undefined });
  for (const status of [301, 404, 500])
    assert.equal(parseWebLog(logged('GET /a HTTP/1.1', status)), undefined);
});

test('combined format, hosts in front, odd user names and quotes are understood', () => {
  const lines = [
    `${logged('GET /a HTTP/1.1')} "http://from.example/\\"x\\"" "Mozilla/5.0 (X11; [Linux])"`,
    `www.example:443 ${logged('GET /a HTTP/1.1')}`,
    logged('GET /a HTTP/1.1').replace('- -', '- a user'),
    `${logged('GET /a HTTP/1.1')} 0.004`,
  ];
  for (const line of lines) assert.deepEqual(parseWebLog(line), { name: '/a', size: 1234 }, line);
  assert.equal(parseWebLog(logged('GET /a\\"b HTTP/1.1'))?.name, '/a\\"b');
});

test('other lines are none of a log', () => {
  for (const line of ['', 'time,key,size', '1,/a,[2] "GET / HTTP/1.1" 200', logged('GET /a', 200, 'x')]) {
    assert.equal(isWebLog(line), false, line);
    assert.equal(parseWebLog(line), undefined, line);
  }
});

test('a long line that almost is one takes no long time', () => {
  const line = `${'[ "a '.repeat(100_000)}`;
  assert.equal(isWebLog(line), false);
  assert.equal(isWebLog(`x [] "${'\\"'.repeat(200_000)}`), false);
});
