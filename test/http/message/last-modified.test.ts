import assert from 'node:assert/strict';
import { test } from 'node:test';
import { saysNothing } from '../../../src/http/message/last-modified.ts';

test('a date that each build sets, or that is to come, says nothing', () => {
  const now = Date.parse('Tue, 15 Nov 2022 08:12:31 GMT');
  for (const [date, expected] of [
    ['Thu, 01 Jan 1970 00:00:01 GMT', true],
    ['Sat, 26 Oct 1985 08:15:00 GMT', true],
    ['Tuesday, 15-Nov-22 08:12:32 GMT', true],
    ['Tue, 15 Nov 2022 08:12:31 GMT', false],
    ['Tue Nov 15 08:12:30 2022', false],
    ['garbage', false],
  ] as const) {
    assert.equal(saysNothing(date, now), expected, date);
  }
});
