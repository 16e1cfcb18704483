import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { takePassedSockets } from '../../../../src/cli/serve/listen/passed-sockets.ts';
import { closeDescriptor } from '../../../../src/os/descriptor.ts';
import { openListeners } from '../../../../src/os/listen/listener.ts';
import { Folder } from '../../../support/folder.ts';
import { connectToEach, get, Iolite, untilGone } from '../../support/server.ts';

test('sockets are passed to the process that is named, once, in order of their names', () => {
  const variables = { LISTEN_FDS: '3', LISTEN_PID: '7', LISTEN_FDNAMES: 'http:https:', HOME: '/' };
  const environment: NodeJS.ProcessEnv = { ...variables };
  assert.deepEqual(takePassedSockets(environment, 7), [
    { fd: 3, name: 'http' },
    { fd: 4, name: 'https' },
    { fd: 5, name: 'unknown' },
  ]);
  assert.deepEqual(environment, { HOME: '/' });
  assert.deepEqual(takePassedSockets({ ...variables }, 8), []);
  for (const LISTEN_FDS of ['', '-1', '1x', undefined])
    assert.deepEqual(takePassedSockets({ ...variables, LISTEN_FDS }, 7), []);
  assert.deepEqual(takePassedSockets({ LISTEN_FDS: '1', LISTEN_PID: '7' }, 7), [{ fd: 3, name: 'unknown' }]);
});

function site(): Folder {
  const folder = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  return folder;
}

test('passed sockets are what is listened on, by all workers, also after a reload', async () => {
  using folder = site();
  const places = ['iolite.socket', 'iolite.socket', 'metrics'] as const;
  const opened = places.map(() => openListeners('127.0.0.1', 0, 1));
  const [first, second, metrics] = opened.map(({ port }) => port) as [number, number, number];
  const passed = opened.map(({ fds }, at) => [places[at] as string, fds[0] as number] as const);
  // PORT, which the environment of many has, says nothing where sockets are passed.
  const env = { IOLITE_IDENTIFY_WORKERS: '1', PORT: '1' };
  {
    await using iolite = new Iolite(['serve', folder.path, '-w', '2'], { passed, env });
    const [, at] = await iolite.said(/^Serving .* at (.*) with 2 workers$/m);
    assert.equal(at, `http://127.0.0.1:${first}/ and http://127.0.0.1:${second}/`);
    await iolite.said(/^Serving /m);
    const agents = await connectToEach(first, 2);
    for (const agent of agents.values()) agent.destroy();
    const workers = [...agents.keys()];
    for (const pid of workers)
      assert.doesNotMatch(
        readFileSync(`/proc/${pid}/environ`, 'latin1'),
        /LISTEN_/,
        'it is not told of them',
      );
    assert.equal((await get(second, '/')).body.toString(), 'home');
    assert.equal((await get(metrics, '/ready')).body.toString(), 'ready\n');
    iolite.process.kill('SIGHUP');
    await iolite.said(/^Reloaded$/m);
    await untilGone(workers);
    assert.equal((await get(second, '/')).body.toString(), 'home');
    iolite.process.kill('SIGTERM');
    assert.deepEqual(await iolite.ended(), { code: 0, signal: null });
    assert.equal(iolite.stderr, '');
  }
  // Whoever passed them has them still: what connects between two servers waits for the second.
  const waiting = get(first, '/');
  await using next = new Iolite(['serve', folder.path, '-w', '1'], { passed, env });
  assert.equal((await waiting).body.toString(), 'home');
  next.process.kill('SIGTERM');
  await next.ended();
  for (const { fds } of opened) for (const fd of fds) closeDescriptor(fd);
});

test('a socket named http is for those who are sent to HTTPS; one that cannot be used is named', async () => {
  using folder = site();
  const opened = [openListeners('127.0.0.1', 0, 1), openListeners('127.0.0.1', 0, 1)] as const;
  const [plain, secure] = opened.map(({ fds }) => fds[0] as number) as [number, number];
  {
    const passed = [
      ['http', plain],
      ['https', secure],
    ] as const;
    await using iolite = new Iolite(['serve', folder.path, '-w', '1', '--tls-self-signed'], { passed });
    await iolite.said(/^Clients of plain HTTP at port/m);
    const { status, headers } = await get(opened[0].port, '/a');
    assert.deepEqual([status, headers.location], [301, `https://127.0.0.1:${opened[1].port}/a`]);
  }
  await using without = new Iolite(['serve', folder.path], { passed: [['https', secure]] });
  assert.equal((await without.ended()).code, 1);
  assert.match(without.stderr, /^iolite: Cannot listen on descriptor 3: it is named https, and there is no/);
  for (const { fds } of opened) for (const fd of fds) closeDescriptor(fd);
  const file = process.stderr.fd;
  await using none = new Iolite(['serve', folder.path], { passed: [['unknown', file]] });
  assert.equal((await none.ended()).code, 1);
  assert.match(
    none.stderr,
    /^iolite: Cannot listen on descriptor 3 \(unknown\): it is no stream socket that/,
  );
});
