import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clampPosition } from '../../src/base/clamp.ts';

test('clampPosition() takes positions as Array.prototype.slice does', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 20 }), fc.integer({ min: -30, max: 30 }), (length, position) => {
      const list = Array.from({ length }, (_, index) => index);
      assert.equal(clampPosition(position, length), length - list.slice(position).length);
    }),
  );
});
