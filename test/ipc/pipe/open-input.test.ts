import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { openInput, type PipeInput } from '../../../src/ipc/pipe/open-input.ts';
import { openOutput } from '../../../src/ipc/pipe/open-output.ts';
import { descriptorOf } from '../../../src/os/node-socket.ts';
import { Folder } from '../../support/folder.ts';
import { PublicProgram } from '../../support/public-program.ts';
import { watchdog } from '../../support/watchdog.ts';

/** A named pipe with both of its ends open, so that nothing waits for another process. */
class TestPipe {
  readonly #folder = new Folder();
  readonly #path = this.#folder.file('pipe');
  readonly input: number;
  readonly #open = new Set<number>();

  constructor() {
    assert.equal(spawnSync('mkfifo', [this.#path]).status, 0);
    this.input = this.#openEnd(constants.O_RDONLY);
  }

  /** A descriptor to write to it. */
  get output(): number {
    return this.#openEnd(constants.O_WRONLY);
  }

  close(fd: number): void {
    this.#open.delete(fd);
    closeSync(fd);
  }

  [Symbol.dispose](): void {
    for (const fd of this.#open) closeSync(fd);
    this.#folder[Symbol.dispose]();
  }

  #openEnd(flags: number): number {
    const fd = openSync(this.#path, flags | constants.O_NONBLOCK);
    this.#open.add(fd);
    return fd;
  }
}

async function textOf(input: PipeInput): Promise<string> {
  using whole = Aggregate.empty();
  for await (const part of input) {
    whole.append(part);
    part.release();
  }
  return whole.toString();
}

test('a file is read from where its descriptor stands, into the pool, and written likewise', async () => {
  using folder = new Folder();
  const text = 'one line\n'.repeat(50_000);
  writeFileSync(folder.file('file'), text);
  using pool = createPool({ name: 'input', memory: 'heap' });
  const fd = openSync(folder.file('file'), 'r');
  readSync(fd, Buffer.alloc(4));
  assert.equal(await textOf(openInput(fd, { pool })), text.slice(4));
  assert.ok(pool.stats().allocated > 0);
  closeSync(fd);
  const copy = openSync(folder.file('copy'), 'a');
  const output = openOutput(copy);
  await Promise.all([output.write('a'), output.write(Buffer.from('b')), output.write(text)]);
  await output.end();
  closeSync(copy);
  assert.equal(readFileSync(folder.file('copy'), 'utf8'), `ab${text}`);
  const nothing = openSync('/dev/null', 'r+');
  assert.equal(await textOf(openInput(nothing)), '');
  await openOutput(nothing).write(text);
  closeSync(nothing);
});

test('a socket is read and written', async () => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const accepted = new Promise<Socket>(resolve => server.once('connection', resolve));
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as { port: number };
    connect(port, '127.0.0.1', function (this: Socket) {
      this.on('data', bytes => this.end(`you said ${bytes}`));
    });
  });
  const socket = await watchdog(accepted, 'a connection');
  const fd = descriptorOf(socket);
  const output = openOutput(fd);
  await output.write('hello');
  await output.end();
  assert.equal(await watchdog(textOf(openInput(fd)), 'an answer'), 'you said hello');
  socket.destroy();
  server.close();
});

test('nothing is read that was not asked for, and whoever asks twice gets one after the other', async () => {
  using pipe = new TestPipe();
  const output = openOutput(pipe.output, { upgradeAfter: Number.POSITIVE_INFINITY });
  await output.write('one');
  const input = openInput(pipe.input, { upgradeAfter: Number.POSITIVE_INFINITY });
  const first = await input.next();
  assert.equal(first.value?.toString(), 'one');
  await output.write('two');
  input.close();
  assert.equal((await input.next()).done, true);
  const again = openInput(pipe.input);
  const [second, third] = [again.next(), again.next()];
  assert.equal((await second).value?.toString(), 'two');
  await output.write('three');
  assert.equal((await watchdog(third, 'the third')).value?.toString(), 'three');
  for (const { value } of [first, await second, await third]) value?.release();
  await again.return();
  await output.end();
});

test('a write waits for its reader, and fails with EPIPE when there is none any more', async () => {
  using pipe = new TestPipe();
  const output = openOutput(pipe.output, { upgradeAfter: Number.POSITIVE_INFINITY });
  using pool = createPool();
  using much = pool.from(Buffer.alloc(300_000, 'x'));
  let isWritten = false;
  const writing = output.write(much).then(() => {
    isWritten = true;
  });
  const input = openInput(pipe.input);
  let count = 0;
  while (count < 200_000) {
    assert.equal(isWritten, false);
    const { value } = await watchdog(input.next(), 'bytes');
    count += value?.length ?? 0;
    value?.release();
  }
  await watchdog(writing, 'the write to be taken');
  input.close();
  pipe.close(pipe.input);
  await assert.rejects(watchdog(output.write(much), 'a failure'), { code: 'EPIPE', name: 'SystemError' });
  // It is what it failed with from then on, and to dispose of it says no more.
  await assert.rejects(output.write('x'), { code: 'EPIPE' });
  await output[Symbol.asyncDispose]();
  assert.equal(pool.stats().leaked, 0);
});

test('a signal ends a read and a write that wait, with its reason', async () => {
  using pipe = new TestPipe();
  const reason = new Error('enough');
  const reading = new AbortController();
  const fd = pipe.output;
  const input = openInput(pipe.input, { signal: reading.signal });
  const next = input.next();
  reading.abort(reason);
  await assert.rejects(watchdog(next, 'the end'), reason);
  await assert.rejects(input.next(), reason);
  const writing = new AbortController();
  const output = openOutput(fd, { signal: writing.signal, upgradeAfter: Number.POSITIVE_INFINITY });
  using pool = createPool();
  const much = pool.from(Buffer.alloc(300_000));
  const write = output.write(much);
  much.release();
  writing.abort(reason);
  await assert.rejects(watchdog(write, 'the end'), reason);
  await assert.rejects(output.write('x'), reason);
  await assert.rejects(output.end(), reason);
  assert.equal(pool.trim() > 0, true);
  for (const open of [() => openInput(pipe.input), () => openOutput(fd)]) assert.doesNotThrow(open);
  const aborted = openInput(pipe.input, { signal: AbortSignal.abort(reason) });
  await assert.rejects(aborted.next(), reason);
});

test('an upgrade within one process: bytes first, then aggregates; to stop gives the rest back', async () => {
  using pipe = new TestPipe();
  const output = openOutput(pipe.output, { upgradeAfter: 5 });
  await output.write('bytes ');
  const input = openInput(pipe.input, { upgradeAfter: 0 });
  const write = async (): Promise<void> => {
    while (!output.upgraded) await output.write('.'.repeat(10_000));
    for (let i = 0; i < 20; i++) await output.write(`aggregate ${i} `);
    await output.end();
  };
  const writing = write();
  let text = '';
  while (!text.includes('aggregate 19')) {
    const { value } = await watchdog(input.next(), 'the rest');
    text += value?.toString();
    value?.release();
  }
  assert.equal(input.upgraded, true);
  await watchdog(writing, 'the end of the output');
  assert.match(text, /^bytes \.*aggregate 0 .*aggregate 19 $/);
  assert.equal(input.upgraded, false);
  assert.equal(output.upgraded, false);
  await assert.rejects(output.write('more'), { code: 'ERR_IOLITE_CLOSED' });
  await output.end();
  input.close();
});

test('whose ACL does not admit the reader is copied, for a pipe gives bytes away', async () => {
  using pipe = new TestPipe();
  const output = openOutput(pipe.output, { upgradeAfter: 0 });
  const input = openInput(pipe.input, { upgradeAfter: 0 });
  using pool = createPool({ acl: { uids: [12_345] } });
  using secret = pool.from('for nobody else. ');
  const write = async (): Promise<void> => {
    while (!output.upgraded) await output.write('.'.repeat(10_000));
    await output.write(secret);
    await output.end();
  };
  const writing = write();
  let text = '';
  while (!text.includes('for nobody else')) {
    const { value } = await watchdog(input.next(), 'the rest');
    text += value?.toString();
    value?.release();
  }
  await watchdog(writing, 'the end');
  input.close();
});

test('a terminal is read and written', () => {
  const program = new PublicProgram(new URL('./children/pipe-terminal.ts', import.meta.url));
  try {
    const command = `'${process.execPath}' '${program.path}'`;
    const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
      input: 'a line\n',
      encoding: 'utf8',
      timeout: 20_000,
    });
    assert.match(stdout, /got 7 bytes/);
  } finally {
    program[Symbol.dispose]();
  }
});

test('arguments are checked', () => {
  for (const fd of [-1, 1.5, '0', null])
    assert.throws(() => openInput(fd as number), { code: /^ERR_IOLITE/ });
  assert.throws(() => openInput(2 ** 20), { code: 'EBADF' });
  assert.throws(() => openOutput(2 ** 20), { code: 'EBADF' });
  assert.throws(() => openInput(0, { pool: {} as never }), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.throws(() => openOutput(1, { signal: {} as never }), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.throws(() => openOutput(1, { upgradeAfter: -1 }), { code: 'ERR_IOLITE_ARGUMENT' });
});
