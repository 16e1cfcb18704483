import assert from 'node:assert/strict';
import { test } from 'node:test';
import { programFile } from '../../../src/ipc/meet/program-file.ts';

test('a program that is there is found', () => {
  assert.equal(programFile('Cannot run', () => new URL(import.meta.url)).href, import.meta.url);
});

test('in a bundle a program is not there, which is told', () => {
  const refusal = (why: RegExp) => ({ code: 'ERR_IOLITE_UNSUPPORTED', message: why });
  const absent = () => new URL('./absent.js', import.meta.url);
  assert.throws(() => programFile('Cannot run', absent), refusal(/^Cannot run: .*\/absent\.js is not there/));
  const nowhere = () => new URL('./absent.js', undefined);
  assert.throws(
    () => programFile('Cannot run', nowhere),
    refusal(/^Cannot run: a program of iolite is not there/),
  );
});
