import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fork, parentChannel } from '../../../src/ipc/meet/fork.ts';
import { spawnThread } from '../../../src/ipc/meet/thread.ts';
import type { PeerGoneError } from '../../../src/ipc/wire/failure.ts';
import { ended, Family } from '../../support/family.ts';
import { watchdog } from '../../support/watchdog.ts';

const CHILD = new URL('../children/inheritor.ts', import.meta.url);

test('fork() names the child by the process id the kernel gave it', async () => {
  await using family = new Family();
  const { channel, process: child } = await family.fork(CHILD);
  assert.deepEqual(channel.peer, { pid: child.pid, uid: process.getuid?.(), gid: process.getgid?.() });
  const { head } = await channel.request({});
  assert.equal((head as { parent: number }).parent, process.pid);
});

test('fork() passes arguments, environment and descriptors on, and no variable of its own', async () => {
  await using family = new Family();
  const fd = openSync(new URL(import.meta.url), 'r');
  const options = { env: { ...process.env, OF_THE_TEST: 'yes' }, descriptors: [fd, fd] };
  const { channel } = await family.fork(CHILD, ['one', 'two'], options);
  closeSync(fd);
  const { head } = await channel.request({});
  const { args, variable, files, channelVariable } = head as Record<string, unknown>;
  assert.deepEqual(args, ['one', 'two']);
  assert.equal(variable, 'yes');
  assert.deepEqual(files, [new URL(import.meta.url).pathname, new URL(import.meta.url).pathname]);
  assert.equal(channelVariable, null);
});

test('fork() rejects when the child ends before it takes up its channel', async () => {
  const missing = new URL('../children/missing.ts', import.meta.url);
  await assert.rejects(watchdog(fork(missing, [], { stdio: 'ignore' }), 'the rejection'), {
    code: 'ERR_IOLITE_PEER',
    message: /missing\.js\) exited with code 1 before .* there is no file .*missing\.js$/,
  });
});

test('fork() ends a child that never takes up its channel, and rejects', async () => {
  const idle = new URL('../children/idle.ts', import.meta.url);
  // However fast it starts, it never does.
  const forked = fork(idle, [], { timeout: 1 });
  await assert.rejects(watchdog(forked, 'the rejection'), {
    code: 'ERR_IOLITE_TIMEOUT',
    message: /idle\.js/,
  });
  await assert.rejects(fork(idle, [], { timeout: -1 }), { code: 'ERR_IOLITE_RANGE' });
});

test('fork() in a program given to node by -e or -p does not run it again in the child', async () => {
  const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const program = `
    console.log('"run"');
    import(${url('../../../dist/index.js')}).then(async ({ fork }) => {
      const { channel } = await fork(${JSON.stringify(fileURLToPath(CHILD))}, []);
      console.log(JSON.stringify((await channel.request({})).head.parent === process.pid));
      channel.destroy();
    });`;
  for (const option of ['-e', '--eval', '-p', '-pe']) {
    const lines = await linesOf(['--input-type=commonjs', option, program]);
    assert.deepEqual(
      lines.filter(line => /^("run"|true|false)$/.test(line)),
      ['"run"', 'true'],
      option,
    );
  }
});

test('a channel ends with how the child ended', async () => {
  await using family = new Family();
  for (const [kill, end] of [
    ['SIGKILL', { exitCode: null, signal: 'SIGKILL' }],
    ['SIGTERM', { exitCode: null, signal: 'SIGTERM' }],
  ] as const) {
    const { channel, process: child } = await family.fork(CHILD);
    const closed = new Promise(resolve => channel.once('close', resolve));
    child.kill(kill);
    const error = (await watchdog(closed, 'the channel to close')) as PeerGoneError;
    assert.equal(error.code, 'ERR_IOLITE_PEER');
    assert.deepEqual({ exitCode: error.exitCode, signal: error.signal }, end);
  }
});

test('what a child was asked for fails with the code that it exited with', async () => {
  await using family = new Family();
  for (const exitCode of [0, 3]) {
    const { channel } = await family.fork(CHILD);
    await assert.rejects(watchdog(channel.request({ head: exitCode }), 'the failure'), {
      code: 'ERR_IOLITE_PEER',
      exitCode,
      signal: null,
      message: new RegExp(`exited with code ${exitCode}`),
    });
  }
});

test('fork() rejects what is no module, and an aborted signal', async () => {
  await assert.rejects(fork(undefined as never), { code: 'ERR_IOLITE_ARGUMENT' });
  const signal = AbortSignal.abort();
  await assert.rejects(watchdog(fork(CHILD, [], { signal }), 'the rejection'));
});

test('parentChannel() throws in a process that was not forked by iolite', () => {
  assert.throws(() => parentChannel(), { code: 'ERR_IOLITE_CLOSED' });
});

test('a child sees the death of its parent as the end of its channel', async () => {
  await using family = new Family();
  const { channel, process: child } = await family.fork(CHILD);
  channel.destroy();
  assert.deepEqual(await ended(child), { code: 3, signal: null });
});

async function linesOf(args: readonly string[]): Promise<string[]> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', more => {
    text += more;
    // A child that runs the program again would start more and more.
    if (text.split('"run"').length > 3) child.kill('SIGKILL');
  });
  await watchdog(once(child, 'close'), 'the program to end');
  return text.split('\n');
}

test('options that nobody knows are refused, before anything is started', async () => {
  const misspelt = { time: 5 } as object;
  await assert.rejects(fork(CHILD, [], misspelt), {
    message: /^Cannot fork: 'time' is unknown; there are .*timeout/,
  });
  await assert.rejects(spawnThread(CHILD, [], misspelt), {
    message: /^Cannot spawn thread: 'time' is unknown/,
  });
});
