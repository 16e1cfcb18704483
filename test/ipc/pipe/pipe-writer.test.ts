import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { afterEach, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createPool } from '../../../src/aggregate/pool.ts';
import { connect } from '../../../src/ipc/meet/connect.ts';
import { listen } from '../../../src/ipc/meet/listen.ts';
import { type IncomingBytes, incomingBytes } from '../../../src/ipc/pipe/incoming-bytes.ts';
import { holdsPipe, identifyPipe, type PipeIdentity } from '../../../src/ipc/pipe/pipe-identity.ts';
import { PipeReader } from '../../../src/ipc/pipe/pipe-reader.ts';
import { PipeWriter } from '../../../src/ipc/pipe/pipe-writer.ts';
import { defaultPool } from '../../../src/memory/default-pool.ts';
import { Folder } from '../../support/folder.ts';
import { isRoot, NOBODY } from '../../support/public-program.ts';
import { watchdog } from '../../support/watchdog.ts';
import { NamedPipe } from './support/named-pipe.ts';

const opened: IncomingBytes[] = [];
afterEach(() => {
  for (const bytes of opened.splice(0)) bytes.close();
});

/** A reader, and what it reads besides. */
async function openReader(fd: number): Promise<PipeReader | undefined> {
  const bytes = incomingBytes(fd, defaultPool());
  const reader = await PipeReader.open(fd, bytes);
  if (reader === undefined) bytes.close();
  else opened.push(bytes);
  return reader;
}

function identityOf(fd: number): PipeIdentity {
  const pipe = identifyPipe(fd);
  assert.ok(pipe !== undefined);
  return pipe;
}

test('holdsPipe() tells which end of a pipe a process has', () => {
  using pipe = new NamedPipe();
  const reader = pipe.open(constants.O_RDONLY);
  const identity = identityOf(reader);
  assert.equal(holdsPipe(process.pid, identity, 'read'), true);
  assert.equal(holdsPipe(process.pid, identity, 'write'), false);
  const writer = pipe.open(constants.O_WRONLY);
  assert.equal(holdsPipe(process.pid, identity, 'write'), true);
  pipe.close(reader);
  assert.equal(holdsPipe(process.pid, identity, 'read'), false);
  pipe.close(writer);
  pipe.open(constants.O_RDWR);
  assert.equal(holdsPipe(process.pid, identity, 'read'), true);
  assert.equal(holdsPipe(process.pid, identity, 'write'), true);
  for (const pid of [0, -1, 2 ** 30]) assert.equal(holdsPipe(pid, identity, 'read'), false);
  using another = new NamedPipe();
  assert.equal(holdsPipe(process.pid, identityOf(another.open(constants.O_RDONLY)), 'write'), false);
});

test('a file is no pipe', async () => {
  using folder = new Folder();
  const fd = openSync(folder.file('file'), 'w+');
  try {
    assert.equal(identifyPipe(fd), undefined);
    assert.equal(await PipeWriter.open(fd), undefined);
    assert.equal(await openReader(fd), undefined);
  } finally {
    closeSync(fd);
  }
});

test('one writer of a pipe offers the upgrade, and the next one when it has ended', async () => {
  using pipe = new NamedPipe();
  const fd = pipe.open(constants.O_RDWR);
  assert.equal(await openReader(fd), undefined);
  const first = await PipeWriter.open(fd);
  assert.ok(first !== undefined);
  assert.equal(await PipeWriter.open(fd), undefined);
  await first.end();
  const second = await PipeWriter.open(fd);
  assert.ok(second !== undefined);
  await second.end();
});

test('bytes of the pipe come before the first aggregate, and aggregates in their order', async () => {
  using pipe = new NamedPipe();
  const fd = pipe.open(constants.O_RDWR);
  writeSync(fd, 'ordinary ');
  const writer = await PipeWriter.open(fd);
  const reader = await openReader(fd);
  assert.ok(writer !== undefined && reader !== undefined);
  const upgrade = async (): Promise<void> => {
    while (!(await writer.takeUp()));
  };
  const read = async (): Promise<string[]> => {
    const parts: string[] = [];
    for (;;) {
      const next = await reader.next();
      if (next === undefined) return parts;
      parts.push(next.toString());
      next.release();
    }
  };
  const parts = read();
  await watchdog(upgrade(), 'the reader to ask');
  using pool = createPool();
  for (let i = 0; i < 20; i++) assert.equal(await writer.send(pool.from(`message ${i}`)), true);
  await watchdog(writer.end(), 'the reader to take everything');
  const expected = Array.from({ length: 20 }, (_, i) => `message ${i}`);
  assert.deepEqual(await watchdog(parts, 'the reader to see the end'), ['ordinary ', ...expected]);
});

test('a reader that closes is gone for the writer, which keeps what it could not send', async () => {
  using pipe = new NamedPipe();
  const fd = pipe.open(constants.O_RDWR);
  const writer = await PipeWriter.open(fd);
  const reader = await openReader(fd);
  assert.ok(writer !== undefined && reader !== undefined);
  const upgrade = async (): Promise<void> => {
    while (!(await writer.takeUp()));
  };
  await watchdog(upgrade(), 'the reader to ask');
  using pool = createPool();
  reader.close();
  const fill = async (): Promise<void> => {
    for (;;) {
      const aggregate = pool.from('text');
      if (await writer.send(aggregate)) continue;
      assert.equal(aggregate.toString(), 'text');
      aggregate.release();
      return;
    }
  };
  await watchdog(fill(), 'the writer to notice');
  assert.equal(writer.upgraded, false);
  await writer.end();
});

test('a process that has the name of a pipe, and not its write end, is not believed', async () => {
  using pipe = new NamedPipe();
  const fd = pipe.open(constants.O_RDONLY);
  // Its writer is a program that knows nothing of us.
  const end = pipe.open(constants.O_WRONLY);
  const writer = spawn('cat', { stdio: ['pipe', end, 'inherit'] });
  pipe.close(end);
  const { endpoint } = identityOf(fd);
  const impostor = await listen(endpoint);
  const asked: unknown[] = [];
  try {
    impostor.on('channel', channel =>
      channel.onRequest(({ head }) => {
        asked.push(head);
        return {};
      }),
    );
    const reader = await openReader(fd);
    assert.ok(reader !== undefined);
    assert.equal(await watchdog(reader.next(), 'the reader to give up'), undefined);
    assert.deepEqual(asked, []);
    // What is in the pipe comes, as ever.
    writer.stdin?.end('text');
    let text = '';
    const read = async (): Promise<void> => {
      while (text.length < 4) {
        const part = await reader.next();
        text += part ?? '';
        part?.release();
        await setImmediate();
      }
    };
    await watchdog(read(), 'the text');
    assert.equal(text, 'text');
  } finally {
    writer.kill('SIGKILL');
    await impostor.close();
  }
});

test('another user can take no name of a pipe', {
  skip: isRoot ? false : 'only root can start a process of another user',
}, async () => {
  using pipe = new NamedPipe();
  const fd = pipe.open(constants.O_RDWR);
  const { endpoint } = identityOf(fd);
  // Of a path: an abstract name would be whoever's comes first.
  assert.equal(isAbsolute(endpoint), true);
  const listens = `require('node:net').createServer()
    .on('error', error => process.stdout.write(error.code))
    .listen(process.argv[1], () => process.exit(1));`;
  const squat = (): string =>
    spawnSync(process.execPath, ['-e', listens, endpoint], { ...NOBODY, cwd: '/', encoding: 'utf8' }).stdout;
  assert.equal(squat(), 'EACCES');
  const writer = await PipeWriter.open(fd);
  assert.ok(writer !== undefined);
  // Nor when it is there; and nobody else is let in.
  assert.match(squat(), /^(EACCES|EADDRINUSE)$/);
  await writer.end();
});

test('a process that does not read a pipe gets none of its aggregates', async () => {
  using pipe = new NamedPipe();
  const reader = pipe.open(constants.O_RDONLY);
  const fd = pipe.open(constants.O_WRONLY);
  const writer = await PipeWriter.open(fd);
  assert.ok(writer !== undefined);
  pipe.close(reader);
  const channel = await connect(identityOf(fd).endpoint);
  const asking = channel.request({ head: { pipe: 'read' } });
  await assert.rejects(watchdog(asking, 'an answer'), { code: 'ERR_IOLITE_ACCESS' });
  assert.equal(await writer.takeUp(), false);
  channel.destroy();
  await writer.end();
});
