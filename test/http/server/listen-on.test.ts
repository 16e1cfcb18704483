import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { createServer } from '../../../src/http/server/server.ts';
import { closeDescriptor } from '../../../src/os/descriptor.ts';
import { openUnixListener } from '../../../src/os/listen/unix-listener.ts';
import { Folder } from '../../support/folder.ts';

async function ask(socketPath: string, method = 'GET'): Promise<string> {
  const sent = request({ socketPath, method, agent: false }).end();
  const [response] = await once(sent, 'response');
  return (await response.setEncoding('utf8').toArray()).join('');
}

test('a server of a program listens on a path: a file that a dead one left is replaced', async () => {
  using folder = new Folder();
  const path = folder.file('a.sock');
  closeDescriptor((await openUnixListener(path)).fd);
  const handler = ({ remoteAddress = '' }): { status: 200; headers: string[]; body: undefined } => ({
    status: 200,
    headers: ['Content-Length', '0', 'X-From', remoteAddress],
    body: undefined,
  });
  {
    await using server = createServer({ handler });
    await server.listen({ path, mode: 0o600 });
    assert.equal(server.address(), null);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await using second = createServer({ handler });
    const message = `Cannot listen on ${path}: listen answered EADDRINUSE`;
    await assert.rejects(second.listen({ path }), { code: 'EADDRINUSE', message });
    await assert.rejects(second.listen({ path, mode: 0o1000 }), { code: 'ERR_IOLITE_RANGE' });
    // In the fast lane, and behind it what that leaves to node:http.
    for (const method of ['GET', 'PATCH']) {
      const socket = connect(path);
      socket.end(`${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      const text = (await socket.setEncoding('utf8').toArray()).join('');
      assert.match(text, /^HTTP\/1\.1 200 OK\r\n(?:.*\r\n)*X-From: unix:\r\n/i, method);
    }
  }
  assert.ok(!existsSync(path));
  await using server = createServer({ handler });
  await server.listen({ path: `@iolite-test-${process.pid}/program` });
  assert.equal(await ask(`\0iolite-test-${process.pid}/program`.padEnd(108, '\0')), '');
});

test('a port that is taken is named, with its host', async () => {
  const handler = () => ({ status: 204, headers: [], body: undefined }) as const;
  await using first = createServer({ handler });
  await first.listen(0, '127.0.0.1');
  const { port } = first.address() as { port: number };
  await using second = createServer({ handler });
  await assert.rejects(second.listen(port, '127.0.0.1'), {
    code: 'EADDRINUSE',
    message: `Cannot listen on 127.0.0.1 port ${port}: listen answered EADDRINUSE`,
  });
});
