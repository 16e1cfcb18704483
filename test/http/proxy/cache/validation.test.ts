import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResponseFacts } from '../../../../src/http/proxy/cache/response-facts.ts';
import { conditionsOf, renewed } from '../../../../src/http/proxy/cache/validation.ts';

const TIMES = { requestedAt: 2000, receivedAt: 3000 };

function stored(...headers: string[]): ResponseFacts {
  return { kind: 'response', status: 200, headers, requestedAt: 0, receivedAt: 1000 };
}

test('conditionsOf() asks by what validators there are (RFC 9111, 4.3.1)', () => {
  assert.deepEqual(conditionsOf(stored()), []);
  assert.deepEqual(conditionsOf(stored('ETag', '"a"')), ['If-None-Match', '"a"']);
  assert.deepEqual(conditionsOf(stored('Last-Modified', 'then', 'etag', 'W/"a"')), [
    'If-None-Match',
    'W/"a"',
    'If-Modified-Since',
    'then',
  ]);
});

test('conditionsOf() asks by no date that says nothing', () => {
  for (const date of ['Thu, 01 Jan 1970 00:00:01 GMT', 'Fri, 01 Jan 2100 00:00:00 GMT']) {
    assert.deepEqual(conditionsOf(stored('Last-Modified', date)), []);
    assert.deepEqual(conditionsOf(stored('Last-Modified', date, 'ETag', '"a"')), ['If-None-Match', '"a"']);
  }
  const date = 'Fri, 01 Jan 2021 00:00:00 GMT';
  const facts = stored('Date', 'Fri, 01 Jan 2021 00:00:01 GMT', 'Last-Modified', date);
  assert.deepEqual(conditionsOf(facts), ['If-Modified-Since', date]);
});

test('a 304 renews what is stored: its fields count, but for those of the content (RFC 9111, 3.2)', () => {
  const facts = stored(
    'ETag',
    '"a"',
    'Content-Type',
    'text/a',
    'Content-Length',
    '5',
    'Age',
    '9',
    'X-A',
    '1',
    'X-B',
    '2',
  );
  const news = [
    'etag',
    '"a"',
    'Content-Length',
    '0',
    'content-type',
    'text/b',
    'x-a',
    '3',
    'Cache-Control',
    'max-age=1',
  ];
  assert.deepEqual(renewed(facts, news, TIMES), {
    ...facts,
    ...TIMES,
    headers: [
      ...['Content-Type', 'text/a', 'Content-Length', '5', 'X-B', '2'],
      ...['etag', '"a"', 'x-a', '3', 'Cache-Control', 'max-age=1'],
    ],
  });
});

test('a 304 about another version renews nothing (RFC 9111, 4.3.4)', () => {
  const facts = stored('ETag', 'W/"a"', 'Last-Modified', 'then');
  for (const [news, isAbout] of [
    [[], true],
    [['ETag', '"a"'], true],
    [['ETag', 'W/"a"'], true],
    [['ETag', '"b"'], false],
    [['Last-Modified', 'then'], true],
    [['Last-Modified', 'now'], false],
    // The tag decides where there is one.
    [['ETag', '"a"', 'Last-Modified', 'now'], true],
  ] as const) {
    assert.equal(renewed(facts, news, TIMES) !== undefined, isAbout, news.join());
  }
  assert.equal(renewed(stored(), ['ETag', '"a"'], TIMES), undefined);
});
