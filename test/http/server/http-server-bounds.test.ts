import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { test } from 'node:test';
import { createServer } from '../../../src/http/server/server.ts';
import { certificate } from '../../support/certificate.ts';
import { Folder } from '../../support/folder.ts';
import { exchange, writeFiles } from '../support/site-server.ts';

test('a request with several Hosts is refused, in the fast lane and behind it', async () => {
  using folder = new Folder();
  writeFiles(folder, { 'a.txt': 'a' });
  await using server = createServer({ root: folder.path });
  await server.listen(0, '127.0.0.1');
  const port = server.address()?.port as number;
  for (const fields of ['Host: a\r\nHost: b', 'Host: a\r\nHost: a', 'X: y\r\nhost: a\r\nHOST: b']) {
    const text = await exchange(port, `GET /a.txt HTTP/1.1\r\n${fields}\r\nConnection: close\r\n\r\n`);
    assert.match(text, /^HTTP\/1\.1 400 /);
  }
});

test('a connection of HTTP/2 is told how many requests it may have under way', async () => {
  using folder = new Folder();
  await using server = createServer({ root: folder.path, tls: certificate(folder) });
  await server.listen(0, '127.0.0.1');
  const session = connect(`https://127.0.0.1:${server.address()?.port}`, { rejectUnauthorized: false });
  const [settings] = await once(session, 'remoteSettings');
  assert.equal(settings.maxConcurrentStreams, 100);
  session.destroy();
});
