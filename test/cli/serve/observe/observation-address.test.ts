import assert from 'node:assert/strict';
import { test } from 'node:test';
import { observationAddress } from '../../../../src/cli/serve/observe/observation-address.ts';

test('an address is a port, with or without a host', () => {
  for (const [text, host, port] of [
    ['9464', '127.0.0.1', 9464],
    [':9464', '127.0.0.1', 9464],
    ['0.0.0.0:1', '0.0.0.0', 1],
    ['metrics.internal:65535', 'metrics.internal', 65_535],
    ['[::]:0', '::', 0],
    ['[::1]:80', '::1', 80],
  ] as const) {
    assert.deepEqual(observationAddress(text), { host, port }, text);
  }
  for (const text of ['', 'a', 'a:', '65536', '1.5', '-1', '::1:80', '[::1]', 'http://a:1', '[x]:1', '1 ']) {
    assert.equal(observationAddress(text), undefined, text);
  }
});
