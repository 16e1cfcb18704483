import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { test } from 'node:test';
import { endBySignals, exitCodeOf, followOwnSignals } from '../../src/cli/first-process.ts';
import { Folder } from '../support/folder.ts';
import { watchdog } from '../support/watchdog.ts';
import { MAIN, run } from './support/tools.ts';

const AS_FIRST = ['--pid', '--fork', '--kill-child=SIGKILL'];
const mayUnshare = spawnSync('unshare', [...AS_FIRST, 'true']).status === 0;

test('only process 1 is ended by signals of which nobody knows', () => {
  const counts = () => ['SIGINT', 'SIGTERM', 'SIGQUIT'].map(signal => process.listenerCount(signal));
  const before = counts();
  endBySignals();
  assert.deepEqual(counts(), before);
  followOwnSignals();
  assert.equal(exitCodeOf('SIGTERM'), 143);
});

test('as process 1 of a container a server that is still to start ends by SIGTERM', {
  skip: mayUnshare ? false : 'unshare(2) needs CAP_SYS_ADMIN',
}, async () => {
  using folder = new Folder();
  const settings = folder.file('settings.json');
  run('mkfifo', [settings]);
  // The script is the container's process 1, until it becomes the server.
  const script = 'exec "$@"';
  const container = spawn(
    'unshare',
    [...AS_FIRST, 'sh', '-c', script, 'sh', process.execPath, MAIN, 'serve', '--config', settings],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const ended = once(container, 'exit');
  try {
    // It opens when the server reads its settings, and waits for what they say.
    const writer = await watchdog(open(settings, 'w'), 'the server to read its settings', 40_000);
    const children = run('ps', ['-o', 'pid=', '--ppid', String(container.pid)]).stdout.toString();
    process.kill(Number(children), 'SIGTERM');
    await writer.writeFile('{}');
    await writer.close();
    const [code] = await watchdog(ended, 'the server to end');
    assert.equal(code, 143);
  } finally {
    container.kill('SIGKILL');
  }
});
