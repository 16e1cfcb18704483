import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { replaceProcess } from '../../../src/os/confine/exec.ts';

const MODULES = [
  import.meta.resolve('../../../src/os/confine/exec.ts'),
  import.meta.resolve('../../../src/os/descriptor.ts'),
].map(module => JSON.stringify(module));

test('replaceProcess() becomes another program, in the same process', () => {
  const code = `
    import { replaceProcess } from ${MODULES[0]};
    import { keepOnExec } from ${MODULES[1]};
    keepOnExec(1);
    process.stdout.write(process.pid + ' ');
    replaceProcess('/bin/sh', ['sh', '-c', 'echo $$ "$1" "$OF_THE_TEST"', 'name', 'né, two'], {
      OF_THE_TEST: 'yes',
      MISSING: undefined,
    });`;
  const child = spawnSync(process.execPath, ['--input-type=module', '--eval', code], { encoding: 'utf8' });
  const [before, after, ...rest] = child.stdout.trim().split(' ');
  assert.equal(after, before, child.stderr);
  assert.deepEqual(rest, ['né,', 'two', 'yes']);
});

test('replaceProcess() throws what the kernel says of the program', () => {
  assert.throws(() => replaceProcess('/there/is/none', ['none'], {}), { code: 'ENOENT' });
});
