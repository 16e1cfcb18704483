import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createPool } from '../../../src/aggregate/pool.ts';
import type { Channel } from '../../../src/ipc/channel.ts';
import { connect } from '../../../src/ipc/meet/connect.ts';
import { listen } from '../../../src/ipc/meet/listen.ts';
import { everyone } from '../../../src/memory/acl.ts';
import { closeDescriptor } from '../../../src/os/descriptor.ts';
import { connectUnix } from '../../../src/os/unix-connect.ts';
import { Folder } from '../../support/folder.ts';
import { Program } from '../../support/program.ts';
import { isRoot, NOBODY, PublicProgram } from '../../support/public-program.ts';
import { watchdog } from '../../support/watchdog.ts';

const SERVER = new URL('../children/server.ts', import.meta.url);
const CLIENT = new URL('../children/client.ts', import.meta.url);

let names = 0;
const abstractName = (): string => `@iolite-test-${process.pid}-${names++}`;
const openDescriptors = (): number => readdirSync('/proc/self/fd').length;
const us = { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() };

for (const kind of ['a path', 'an abstract name']) {
  test(`connect() reaches listen() of an unrelated process, on ${kind}`, async () => {
    using folder = new Folder();
    using pool = createPool();
    const path = kind === 'a path' ? folder.file('socket') : abstractName();
    await using server = new Program(SERVER, [path]);
    assert.equal(await server.line(), 'listening');
    await using channel = await watchdog(connect(path), 'the channel');
    assert.equal(channel.peer.pid, server.pid);
    using body = pool.from('by reference');
    const answer = await channel.request({ head: 'hello', body });
    assert.deepEqual(answer.head, { echo: 'hello', peer: us, pid: server.pid });
    assert.equal(answer.body?.toString(), 'by reference');
    answer.body?.release();
  });

  test(`an endpoint gives out channels by event and by iteration, on ${kind}`, async () => {
    using folder = new Folder();
    using pool = createPool();
    const path = kind === 'a path' ? folder.file('socket') : abstractName();
    const endpoint = await listen(path);
    assert.equal(endpoint.path, path);
    const clients = [new Program(CLIENT, [path]), new Program(CLIENT, [path])];
    const channels: Channel[] = [];
    for await (const channel of endpoint) {
      channels.push(channel);
      channel.onRequest(({ head }) => ({ head: head ?? null, body: pool.from('from the server') }));
      if (channels.length === clients.length) break;
    }
    for (const client of clients) {
      const expected = { head: { pid: client.pid }, body: 'from the server', peer: us };
      assert.deepEqual(await client.line(), expected);
    }
    assert.deepEqual(new Set(channels.map(({ peer }) => peer.pid)), new Set(clients.map(({ pid }) => pid)));
    const next = endpoint[Symbol.asyncIterator]().next();
    const arrived = once(endpoint, 'channel');
    const third = await connect(path);
    const [channel] = await watchdog(arrived, "the event 'channel'");
    await Promise.all([third.close(), (channel as Channel).close()]);
    await endpoint.close();
    assert.deepEqual(await next, { value: undefined, done: true });
    for (const client of clients) await client[Symbol.asyncDispose]();
    assert.equal(existsSync(path), false);
    await (await listen(path)).close();
  });
}

test('channels that came before somebody listened are given to who listens first', async () => {
  await using endpoint = await listen(abstractName());
  const connected = [await connect(endpoint.path), await connect(endpoint.path)];
  // As many turns as their greetings need, and more.
  for (let turn = 0; turn < 50; turn++) await setImmediate();
  const given: Channel[] = [];
  endpoint.on('channel', channel => given.push(channel));
  while (given.length < 2) await setImmediate();
  for (const channel of connected) channel.destroy();
});

test('close() delivers what was sent, across processes that met at an endpoint', async () => {
  using pool = createPool();
  await using endpoint = await listen(abstractName());
  const ours = await connect(endpoint.path);
  const { value: theirs } = await endpoint[Symbol.asyncIterator]().next();
  const received: string[] = [];
  const reading = (async () => {
    for await (const { body } of theirs!) {
      received.push(body?.toString() ?? '');
      body?.release();
    }
  })();
  const wanted = Array.from({ length: 500 }, (_, i) => `message ${i}`);
  for (const text of wanted) {
    using body = pool.from(text);
    await ours.send({ body });
  }
  await watchdog(ours.close(), 'the channel to close');
  await watchdog(reading, 'the messages to end');
  assert.deepEqual(received, wanted);
});

test('listen() takes over the socket of a dead process, and no other', async () => {
  using folder = new Folder();
  const path = folder.file('socket');
  await using server = new Program(SERVER, [path]);
  assert.equal(await server.line(), 'listening');
  await assert.rejects(listen(path), { code: 'EADDRINUSE', syscall: 'listen' });
  const inode = statSync(path).ino;
  server.kill('SIGKILL');
  await once(server.process, 'exit');
  assert.equal(statSync(path).ino, inode);
  await assert.rejects(connect(path), { code: 'ECONNREFUSED' });
  await using endpoint = await listen(path);
  await assert.rejects(listen(path), { code: 'EADDRINUSE' });
  const channel = await connect(path);
  channel.destroy();
  assert.equal(endpoint.path, path);
});

test('of several that try to take over one socket, one gets it', async () => {
  using folder = new Folder();
  const path = folder.file('socket');
  {
    await using server = new Program(SERVER, [path]);
    assert.equal(await server.line(), 'listening');
  }
  const servers = Array.from({ length: 5 }, () => new Program(SERVER, [path]));
  const outcomes = await Promise.all(servers.map(server => server.line()));
  assert.deepEqual(outcomes.sort(), [...Array(4).fill('EADDRINUSE'), 'listening']);
  const channel = await connect(path);
  assert.ok(servers.some(({ pid }) => pid === channel.peer.pid));
  channel.destroy();
  for (const server of servers) await server[Symbol.asyncDispose]();
});

test('listen() leaves alone what is no socket, and says what the kernel said', async () => {
  using folder = new Folder();
  const file = folder.file('file');
  writeFileSync(file, 'content');
  for (const [path, code] of [
    [file, 'EADDRINUSE'],
    [folder.path, 'EADDRINUSE'],
    [folder.file('missing/socket'), 'ENOENT'],
    [`${file}/socket`, 'ENOTDIR'],
    [folder.file('x'.repeat(200)), 'ENAMETOOLONG'],
    [`@${'x'.repeat(200)}`, 'ENAMETOOLONG'],
  ] as const) {
    await assert.rejects(listen(path), { name: 'SystemError', code });
  }
  assert.equal(statSync(file).size, 7);
  for (const path of ['', '@', 'a\0b', undefined, 7]) {
    await assert.rejects(listen(path as string), { code: 'ERR_IOLITE_ARGUMENT' });
    await assert.rejects(connect(path as string), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  await assert.rejects(listen(folder.file('s'), { mode: 0o1777 }), { code: 'ERR_IOLITE_RANGE' });
  await assert.rejects(listen(folder.file('s'), { acl: { uid: 1 } as never }), {
    code: 'ERR_IOLITE_ARGUMENT',
  });
  await assert.rejects(listen(folder.file('s'), { maxChannels: 0 }), { code: 'ERR_IOLITE_RANGE' });
  assert.equal(existsSync(folder.file('s')), false);
  await assert.rejects(connect(file), { code: 'ECONNREFUSED' });
  await assert.rejects(connect(folder.file('none')), { code: 'ENOENT', syscall: 'connect' });
  await assert.rejects(connect(abstractName()), { code: 'ECONNREFUSED' });
});

test('the socket file has the mode that was asked for', async () => {
  using folder = new Folder();
  await using standard = await listen(folder.file('standard'));
  await using open = await listen(folder.file('open'), { mode: 0o666 });
  assert.equal(statSync(standard.path).mode & 0o777, 0o600);
  assert.equal(statSync(open.path).mode & 0o777, 0o666);
});

test('signals end listen() and connect(), before and after', async () => {
  const signal = AbortSignal.abort(new Error('no longer'));
  await assert.rejects(listen(abstractName(), { signal }), { message: 'no longer' });
  await assert.rejects(connect(abstractName(), { signal }), { message: 'no longer' });
  const controller = new AbortController();
  const endpoint = await listen(abstractName(), { signal: controller.signal });
  const closed = once(endpoint, 'close');
  controller.abort();
  await watchdog(closed, 'the endpoint to close');
  await assert.rejects(connect(endpoint.path), { code: 'ECONNREFUSED' });
});

test('connect() to an endpoint that does not react ends with its signal or in time', async () => {
  const path = abstractName();
  await using server = new Program(SERVER, [path]);
  assert.equal(await server.line(), 'listening');
  server.kill('SIGSTOP');
  const before = openDescriptors();
  const controller = new AbortController();
  const waiting = assert.rejects(connect(path, { signal: controller.signal }), { message: 'no longer' });
  controller.abort(new Error('no longer'));
  await watchdog(waiting, 'the rejection');
  const late = assert.rejects(connect(path, { timeout: 1 }), { code: 'ERR_IOLITE_PEER' });
  await watchdog(late, 'the rejection');
  assert.equal(openDescriptors(), before);
});

test('connect() waits while the queue of the endpoint is full', async () => {
  const path = abstractName();
  await using server = new Program(SERVER, [path]);
  assert.equal(await server.line(), 'listening');
  server.kill('SIGSTOP');
  const filling: number[] = [];
  for (let fd = connectUnix(path); fd !== undefined; fd = connectUnix(path)) filling.push(fd);
  assert.ok(filling.length > 100, `${filling.length} connections wait`);
  const connecting = connect(path);
  await assert.rejects(connect(path, { timeout: 1 }), { code: 'ERR_IOLITE_PEER' });
  server.kill('SIGCONT');
  const channel = await watchdog(connecting, 'the channel');
  assert.equal(channel.peer.pid, server.pid);
  channel.destroy();
  for (const fd of filling) closeDescriptor(fd);
});

test('a peer that the ACL excludes is refused before anything is read', async () => {
  await using endpoint = await listen(abstractName(), { acl: { uids: [4_000_000] } });
  const refused = once(endpoint, 'refused');
  const before = openDescriptors();
  await assert.rejects(watchdog(connect(endpoint.path), 'the rejection'), { code: 'ERR_IOLITE_ACCESS' });
  const [error, peer] = await refused;
  assert.equal((error as { code?: string }).code, 'ERR_IOLITE_ACCESS');
  assert.deepEqual(peer, us);
  assert.equal(endpoint.channels, 0);
  await watchdog(descriptorsFallTo(before), 'the refused connection to go');
});

test('another user is admitted by the ACL and the mode, and by neither alone', {
  skip: isRoot ? false : 'only root can start a process of another user',
}, async () => {
  using folder = new Folder();
  chmodSync(folder.path, 0o755);
  using program = new PublicProgram(CLIENT);
  const serve = async (path: string, options: object): Promise<unknown> => {
    await using endpoint = await listen(path, options);
    endpoint.on('channel', channel => channel.onRequest(() => ({ head: { ...channel.peer } })));
    await using client = new Program(program.url, [path], { ...NOBODY, execArgv: [], cwd: program.folder });
    const answer = await client.line();
    return typeof answer === 'string' ? answer : (answer as { head: { uid: number } }).head.uid;
  };
  const [closed, open] = [{ mode: 0o600 }, { mode: 0o666 }];
  assert.equal(await serve(folder.file('a'), closed), 'EACCES');
  assert.equal(await serve(folder.file('b'), { ...closed, acl: everyone }), 'EACCES');
  assert.equal(await serve(folder.file('c'), open), 'ERR_IOLITE_ACCESS');
  assert.equal(await serve(folder.file('d'), { ...open, acl: { uids: [NOBODY.uid] } }), NOBODY.uid);
  assert.equal(await serve(abstractName(), {}), 'ERR_IOLITE_ACCESS');
  assert.equal(await serve(abstractName(), { acl: { gids: [NOBODY.gid] } }), NOBODY.uid);
});

async function descriptorsFallTo(count: number): Promise<void> {
  while (openDescriptors() > count) await setImmediate();
}
