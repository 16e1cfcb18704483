import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brand, bytesOfOtherCopy, isOfOtherCopy } from '../../src/base/brand.ts';

test('a value of another copy is told from ours and from all others', () => {
  class Ours {
    toBuffer(): Buffer {
      return Buffer.from('ours');
    }
  }
  brand(Ours);
  const theirs = { [Symbol.for('iolite.copy')]: {}, toBuffer: () => Buffer.from('theirs') };
  assert.deepEqual([new Ours(), theirs, {}, null, 'text'].map(isOfOtherCopy), [
    false,
    true,
    false,
    false,
    false,
  ]);
  assert.equal(bytesOfOtherCopy(new Ours()), undefined);
  assert.equal(bytesOfOtherCopy(theirs)?.toString(), 'theirs');
  assert.equal(bytesOfOtherCopy({ [Symbol.for('iolite.copy')]: {} }), undefined);
});
