import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { shortCopy } from '../../src/base/short-copy.ts';

test('a copy is the same text, and does not keep what it was cut from', () => {
  assert.equal(shortCopy('/a/é'), '/a/é');
  assert.equal(shortCopy('/'), '/');
  assert.equal(shortCopy('x'.repeat(513)), undefined);
  // Which would be taken for another text.
  assert.equal(shortCopy('/\u0161'), undefined);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const before = process.memoryUsage().heapUsed;
  const kept = Array.from({ length: 2000 }, (_, index) =>
    shortCopy(Buffer.alloc(10_000, String(index)).toString('latin1').slice(0, 100)),
  );
  collect();
  assert.ok(process.memoryUsage().heapUsed - before < 10 * 1024 ** 2);
  assert.equal(kept.length, 2000);
});
