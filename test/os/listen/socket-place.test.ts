import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createServer, type ListenOptions } from 'node:net';
import { test } from 'node:test';
import { socketPlace } from '../../../src/os/listen/socket-place.ts';
import { descriptorOf } from '../../../src/os/node-socket.ts';
import { socketPair } from '../../../src/os/socket.ts';
import { nodePath } from '../../../src/os/unix-address.ts';
import { Folder } from '../../support/folder.ts';

test('where a socket listens, of all families; nothing else has such a place', async () => {
  using folder = new Folder();
  const path = folder.file('a.sock');
  for (const [options, place] of [
    [{ host: '127.0.0.1', port: 0 }, { host: '127.0.0.1' }],
    [{ host: '::1', port: 0 }, { host: '::1' }],
    [{ path }, { path }],
    [{ path: nodePath('@iolite/a name') }, { path: '@iolite/a name' }],
  ] as [ListenOptions, object][]) {
    const server = createServer().listen(options);
    await once(server, 'listening');
    const { port } = Object(server.address()) as { port?: number };
    assert.deepEqual(socketPlace(descriptorOf(server)), port === undefined ? place : { ...place, port });
    server.close();
  }
  const pair = socketPair('stream');
  const file = openSync('/dev/null', 'r');
  for (const fd of [...pair, file]) assert.equal(socketPlace(fd), undefined);
  for (const fd of [...pair, file]) closeSync(fd);
  assert.equal(socketPlace(file), undefined);
});
