import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { TlsStream } from '../../../src/network/tls/tls-stream.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import { TlsLinkServer } from '../support/tls-link-server.ts';
import { certificateFor, settingsOf } from '../support/tls-settings.ts';

async function pair(
  folder: Folder,
  options: ConnectionOptions = {},
): Promise<{ server: TlsLinkServer; client: TLSSocket; stream: TlsStream }> {
  let made: ((stream: TlsStream) => void) | undefined;
  const stream = new Promise<TlsStream>(resolve => {
    made = resolve;
  });
  const server = new TlsLinkServer(settingsOf([certificateFor(folder, 'localhost')]), link => {
    const own = new TlsStream(link);
    made?.(own);
    return own;
  });
  const client = connect({
    port: await server.port(),
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ...options,
  });
  return { server, client, stream: await watchdog(stream, 'a stream') };
}

test('a stream reads and writes, and says what servers of HTTP ask of a socket', async () => {
  using folder = new Folder();
  const options = { servername: 'localhost', ALPNProtocols: ['http/1.1'], allowHalfOpen: true };
  const { server, client, stream } = await pair(folder, options);
  await using _ = server;
  assert.deepEqual(
    [stream.encrypted, stream.alpnProtocol, stream.servername, stream.remoteAddress],
    [true, 'http/1.1', 'localhost', '127.0.0.1'],
  );
  stream.pipe(stream);
  const bytes = randomBytes(20_000_000);
  const pieces: Buffer[] = [];
  client.end(bytes);
  const all = (async () => {
    for await (const piece of client) pieces.push(piece);
  })();
  await watchdog(all, 'the end');
  assert.ok(Buffer.concat(pieces).equals(bytes));
  assert.deepEqual([stream.bytesRead, stream.bytesWritten], [bytes.length, bytes.length]);
});

test('a stream whose client is gone is closed, and what was to be written fails', async () => {
  using folder = new Folder();
  const { server, client, stream } = await pair(folder);
  await using _ = server;
  client.pause();
  client.on('error', () => {});
  const closed = once(stream, 'close');
  const failed = new Promise<Error | null | undefined>(resolve => {
    stream.write(randomBytes(50_000_000), resolve);
  });
  client.destroy();
  assert.equal(((await watchdog(failed, 'a failure')) as NodeJS.ErrnoException).code, 'ERR_IOLITE_PEER');
  await watchdog(closed, 'the end of the stream');
  assert.equal(server.open, 0);
});

test('a stream on which nothing moves tells so, as often as it was asked to', async () => {
  using folder = new Folder();
  const { server, client, stream } = await pair(folder);
  await using _ = server;
  const told = new Promise<void>(resolve => stream.setTimeout(1, resolve));
  await watchdog(told, 'the timeout');
  stream.setTimeout(0);
  const closed = new Promise(resolve => client.once('close', resolve));
  client.resume();
  stream.destroySoon();
  await watchdog(closed, 'the end');
});
