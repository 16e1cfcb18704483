import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { BareLink } from '../../src/network/bare-link.ts';
import { SEND_STEP_BYTES } from '../../src/network/byte-link.ts';
import { interceptConnections } from '../../src/os/node-socket.ts';
import { sendNow } from '../../src/os/socket.ts';
import { watchdog } from '../support/watchdog.ts';

test('a link has a socket of Node only while something waits for the peer', async () => {
  const server = createServer({ noDelay: true, pauseOnConnect: true });
  const room = Buffer.from(new ArrayBuffer(64 * 1024));
  let made: Socket | undefined;
  let link: BareLink | undefined;
  let ended: (() => void) | undefined;
  const atEnd = new Promise<void>(resolve => {
    ended = resolve;
  });
  server.on('connection', socket => {
    made = socket;
  });
  const maker = {
    socketBy: (make: () => boolean): Socket | undefined => {
      make();
      return made;
    },
  };
  const bytes = randomBytes(100 * SEND_STEP_BYTES);
  interceptConnections(server, connection => {
    const own = new BareLink(connection, maker, {
      filled: () => {
        const sent = sendNow(own.fd, bytes);
        assert.equal(made, undefined);
        own.socket()?.write(bytes.subarray(sent));
        return true;
      },
      ended: () => ended?.(),
      lost: () => {},
    });
    link = own;
    own.keep(room);
    own.resume();
    return true;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write('ask');
  const pieces: Buffer[] = [];
  let length = 0;
  const all = (async () => {
    for await (const piece of client) {
      pieces.push(piece);
      length += piece.length;
      if (length === bytes.length) break;
    }
  })();
  await watchdog(all, 'all bytes');
  assert.ok(Buffer.concat(pieces).equals(bytes));
  assert.equal(link?.hasUnsent, false);
  link?.relax();
  await watchdog(atEnd, 'the end of the peer');
  link?.close();
  await watchdog(new Promise(resolve => server.close(resolve)), 'the server to close');
});
