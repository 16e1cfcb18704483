import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coversPull, fillField, readPull, signPull } from '../../../src/cluster/pulls/pull-signature.ts';

const SECRET = '0123456789abcdef';
const PULL = {
  target: 'http://shop.example/a?b=c;d',
  from: 'one',
  epoch: 'e1',
  to: 'e2',
  count: 7,
  log: '2026-11-27T00:00:00Z; x',
  position: 12,
  site: 'http://127.0.0.1:3000 origin',
  client: '::1',
};

test('what is signed is read again; with another secret, target or field it is not', () => {
  const fields = signPull(SECRET, PULL);
  assert.deepEqual(readPull(SECRET, PULL.target, fields), PULL);
  assert.equal(readPull('fedcba9876543210', PULL.target, fields), undefined);
  assert.equal(readPull(SECRET, `${PULL.target}x`, fields), undefined);
  for (let index = 1; index < fields.length; index += 2) {
    const changed = fields.with(index, `${fields[index]!.slice(0, -1)}~`);
    assert.equal(readPull(SECRET, PULL.target, changed), undefined);
  }
  for (const tail of ['0', ' ', 'zz'])
    assert.equal(readPull(SECRET, PULL.target, fields.with(5, `${fields[5]}${tail}`)), undefined);
  assert.equal(readPull(SECRET, PULL.target, []), undefined);
});

test('an answer covers a pull if it is from the same log, and not from before', () => {
  const asked = signPull(SECRET, PULL);
  const answered = (sequence: number, log = PULL.log): string[] => [
    'Iolite-Fill',
    fillField({ log, sequence }),
  ];
  assert.equal(coversPull(answered(12), asked), true);
  assert.equal(coversPull(answered(13), asked), true);
  assert.equal(coversPull(answered(11), asked), false);
  assert.equal(coversPull(answered(13, 'another'), asked), false);
  assert.equal(coversPull([], asked), false);
});
