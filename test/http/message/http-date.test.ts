import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHttpDate } from '../../../src/http/message/http-date.ts';

test('parseHttpDate() reads the three forms', () => {
  const expected = Date.UTC(1994, 10, 6, 8, 49, 37);
  for (const text of [
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
  ]) {
    assert.equal(parseHttpDate(text), expected, text);
  }
  const soon = String((new Date().getUTCFullYear() + 10) % 100).padStart(2, '0');
  const date = new Date(parseHttpDate(`Sunday, 06-Nov-${soon} 08:49:37 GMT`) ?? 0);
  assert.equal(date.getUTCFullYear(), new Date().getUTCFullYear() + 10);
});

test('parseHttpDate() takes a year of four digits for that, and a leap second', () => {
  assert.equal(parseHttpDate('Tue, 29 Feb 0000 23:59:59 GMT'), Date.parse('0000-02-29T23:59:59Z'));
  assert.equal(parseHttpDate('Sat, 31 Dec 2016 23:59:60 GMT'), Date.parse('2017-01-01T00:00:00Z'));
});

test('parseHttpDate() refuses what Date.parse would take', () => {
  for (const text of [
    '',
    '0',
    '1994',
    '1994-11-06T08:49:37Z',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 +0100',
    'Sun, 06 Nov 1994 25:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
    'sun, 06 nov 1994 08:49:37 gmt',
    'Mon, 31 Feb 2000 08:49:37 GMT',
    'Monday, 31-Feb-00 08:49:37 GMT',
    'Mon Feb 30 08:49:37 2000',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 08:49:77 GMT',
    'Sun, 06 Nov 1994 08:60:00 GMT',
  ]) {
    assert.equal(parseHttpDate(text), undefined, text);
  }
});
