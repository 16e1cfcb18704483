import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { fork, parentChannel } from '../../../src/ipc/meet/fork.ts';
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
    message: /exited with code 1/,
  });
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
