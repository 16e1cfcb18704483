import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as der from '../../../../src/cli/serve/tls/der.ts';

test('elements are what X.690 has them to be', () => {
  for (const [made, hex] of [
    [der.unsigned(Buffer.from([0])), '020100'],
    [der.unsigned(Buffer.from([0, 0x7f])), '02017f'],
    [der.unsigned(Buffer.from([0x80])), '02020080'],
    [der.boolean(true), '0101ff'],
    [der.objectIdentifier('1.2.840.10045.4.3.2'), '06082a8648ce3d040302'],
    [der.objectIdentifier('2.5.29.17'), '0603551d11'],
    [der.utf8String('é'), '0c02c3a9'],
    [der.utcTime(new Date('2026-01-02T03:04:05.678Z')), '170d3236303130323033303430355a'],
    [der.bitString(Buffer.from([1])), '03020001'],
    [der.explicit(3, der.sequence()), 'a3023000'],
    [der.implicit(2, Buffer.from('a')), '820161'],
    [der.set(der.octetString(Buffer.alloc(0))), '31020400'],
  ] as const) {
    assert.equal(made.toString('hex'), hex);
  }
  assert.equal(der.octetString(Buffer.alloc(0x7f)).toString('hex', 0, 2), '047f');
  assert.equal(der.octetString(Buffer.alloc(0x80)).toString('hex', 0, 3), '048180');
  assert.equal(der.octetString(Buffer.alloc(0x1234)).toString('hex', 0, 4), '04821234');
});
