import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { defaultMemory } from '../../src/memory/support.ts';
import type { WithoutKoffi } from './support/without-koffi.ts';

const PROGRAM = fileURLToPath(new URL('./children/without-koffi.ts', import.meta.url));

function without(withheld: string): WithoutKoffi {
  return JSON.parse(execFileSync(process.execPath, [PROGRAM, withheld], { encoding: 'utf8', stdio: 'pipe' }));
}

test('pools are of shared memory, unless they are to be on the heap', () => {
  assert.equal(defaultMemory(), 'shared');
});

for (const [withheld, why] of [
  ['koffi', /koffi is not installed where this module looks for it; install it/],
  ['binary', /koffi's binary is missing; install optional packages \(@koromix\/koffi-linux-\w+\)/],
] as const) {
  test(`on Linux without ${withheld} one warning says why pools are on the heap, and so do errors`, () => {
    const { memories, unexpected, warnings, refused } = without(withheld);
    assert.deepEqual(memories, ['heap', 'heap', 'heap']);
    assert.equal(unexpected, 0);
    const [warning, ...more] = warnings;
    assert.deepEqual(more, []);
    assert.equal(warning?.name, 'IoliteWarning');
    assert.equal(warning?.code, 'IOLITE_HEAP');
    assert.match(warning?.message ?? '', why);
    assert.match(refused, /^ERR_IOLITE_UNSUPPORTED: Cannot use shared memory: /);
    assert.match(refused, why);
  });
}

test('on another platform pools are on the heap without a warning, and errors name it', () => {
  const { memories, warnings, refused } = without('platform');
  assert.deepEqual(memories, ['heap', 'heap', 'heap']);
  assert.deepEqual(warnings, []);
  assert.match(refused, /the platform is darwin, Linux is needed/);
});
