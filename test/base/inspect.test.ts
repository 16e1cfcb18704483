import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { hexOf, INSPECT } from '../../src/base/inspect.ts';

test('hexOf() gives as many bytes as Buffer prints, over all pieces', () => {
  assert.equal(hexOf([]), '');
  assert.equal(hexOf([Buffer.from('ab'), Buffer.from('\n')]), '61 62 0a');
  const long = Buffer.alloc(60, 7);
  assert.equal(`<Buffer ${hexOf([long.subarray(0, 30), long.subarray(30)])}>`, inspect(long));
  assert.match(hexOf([Buffer.alloc(51)]), / 1 more byte$/);
});

test('INSPECT names the method that util.inspect() asks', () => {
  assert.equal(inspect({ [INSPECT]: () => 'as it says' }), 'as it says');
});
