import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTellingDate } from '../../../src/file/version/telling-date.ts';

const NOW = Date.parse('2025-06-01T12:00:00Z');

for (const [date, tells] of [
  ['1970-01-01T00:00:00Z', false],
  ['1970-01-01T00:00:01Z', false],
  ['1980-01-01T00:00:00Z', false],
  ['1980-01-01T00:00:01Z', false],
  ['1980-02-01T00:00:00Z', false],
  ['1985-10-26T08:15:00Z', false],
  ['1969-12-31T23:59:59Z', false],
  ['2000-01-01T00:00:00Z', false],
  ['2010-01-01T00:00:00Z', false],
  ['1990-01-01T00:00:00Z', true],
  ['2000-01-01T00:00:00.001Z', true],
  ['2024-02-29T10:00:00Z', true],
  ['2025-06-01T12:00:00Z', true],
  ['2025-06-01T12:00:00.001Z', false],
  ['2100-01-01T00:00:00Z', false],
] as const) {
  test(`a file's date of ${date} tells ${tells ? 'its version' : 'nothing'}`, () => {
    assert.equal(isTellingDate(Date.parse(date), NOW), tells);
  });
}
