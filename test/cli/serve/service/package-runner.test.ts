import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { PackageRunner } from '../../../../src/cli/serve/service/package-runner.ts';
import { Folder } from '../../../support/folder.ts';
import { watchdog } from '../../../support/watchdog.ts';
import { MAIN } from '../../support/tools.ts';

const { ppid } = process;

test('it is found where npm has started this process, which has not been left behind', () => {
  assert.equal(PackageRunner.find({}, ppid), undefined);
  assert.equal(PackageRunner.find({ npm_lifecycle_event: 'start' }, 1), undefined);
  assert.ok(PackageRunner.find({ npm_lifecycle_event: 'start' }, ppid) instanceof PackageRunner);
  assert.ok(PackageRunner.find({ npm_execpath: '/usr/bin/npx' }, ppid) instanceof PackageRunner);
});

test('a signal is the same as before soon after it, and once when the parent has gone', context => {
  let now = 1000;
  context.mock.method(performance, 'now', () => now);
  const runner = PackageRunner.find({ npm_lifecycle_event: 'start' }, ppid);
  const repeats = (time: number, parent = ppid): boolean | undefined => {
    now = time;
    return runner?.repeats(parent);
  };
  assert.deepEqual([repeats(1000), repeats(1500), repeats(2500)], [false, true, false]);
  assert.deepEqual([repeats(9000, 1), repeats(9500, 1)], [true, false]);
});

test('a server that npm has started ends with the shell between them, which passes nothing on', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('index.html'), 'x');
  const args = [process.execPath, MAIN, 'serve', folder.path, '--port=0', '--workers=1'];
  const shell = spawn('sh', ['-c', '"$@"; exit', 'sh', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
    env: { ...process.env, npm_lifecycle_event: 'start' },
  });
  const group = shell.pid as number;
  try {
    shell.stdout.on('data', text => {
      if (String(text).includes('Serving')) shell.kill('SIGTERM');
    });
    // The output closes when nobody has it any more.
    await watchdog(new Promise(resolve => shell.stdout.once('close', resolve)), 'the server to end', 40_000);
  } finally {
    try {
      process.kill(-group, 'SIGKILL');
    } catch {
      // Nobody is left.
    }
  }
});
