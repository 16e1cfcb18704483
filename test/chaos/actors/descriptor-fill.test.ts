import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

test('no descriptor is left while it lasts, and all are when it is over', () => {
  const program = fileURLToPath(new URL('./children/filler.ts', import.meta.url));
  const command = ['-c', 'ulimit -n 64 && exec "$@"', 'sh', process.execPath, program];
  const { stdout, stderr } = spawnSync('/bin/sh', command, { encoding: 'utf8' });
  assert.equal(stdout, '{"full":"EMFILE","after":"open"}\n', stderr);
});
