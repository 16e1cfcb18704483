import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { createPool } from '../../../src/aggregate/pool.ts';
import type { TlsLink } from '../../../src/network/tls/tls-link.ts';
import { TlsSender } from '../../../src/network/tls/tls-sender.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import { TlsLinkServer } from '../support/tls-link-server.ts';
import { certificateFor, settingsOf } from '../support/tls-settings.ts';

/** A server that sends what `sender` makes for a link, when something is asked. */
function serverOf(folder: Folder, sender: (link: TlsLink) => TlsSender): TlsLinkServer {
  return new TlsLinkServer(settingsOf([certificateFor(folder, 'localhost')]), link => {
    let sending: TlsSender | undefined;
    return {
      received: () => {
        sending = sender(link);
        sending.start();
        return true;
      },
      drained: () => sending?.drained(),
      ended: () => {
        link.close();
        sending?.lost();
      },
      lost: () => sending?.lost(),
    };
  });
}

test('parts are sent one behind the other, to whoever reads at whatever pace, and released', async () => {
  using folder = new Folder();
  const pool = createPool();
  const bytes = randomBytes(9_000_001);
  const head = Buffer.from('head');
  for (const isFast of [true, false]) {
    for (const skip of [0, 1, 4, 100_000]) {
      const body = pool.from(bytes);
      let done: (() => void) | undefined;
      const sent = new Promise<void>(resolve => {
        done = resolve;
      });
      const parts = [head, body, Buffer.from('tail')];
      const pending = { parts, mode: 'auto', skip, isFast, sent: () => done?.(), failed: () => {} } as const;
      let sender: TlsSender | undefined;
      await using server = serverOf(folder, link => {
        sender = new TlsSender(link, pending);
        return sender;
      });
      const client = connect({ port: await server.port(), host: '127.0.0.1', rejectUnauthorized: false });
      client.write('ask');
      const wanted = Buffer.concat([head, bytes, Buffer.from('tail')]).subarray(skip);
      const pieces: Buffer[] = [];
      let length = 0;
      const all = (async () => {
        for await (const piece of client) {
          pieces.push(piece);
          length += piece.length;
          if (length >= wanted.length) break;
        }
      })();
      await watchdog(Promise.all([all, sent]), 'all bytes');
      assert.ok(Buffer.concat(pieces).equals(wanted), `${isFast} ${skip}`);
      assert.equal(body.released, true);
      assert.equal(sender?.taken, skip + wanted.length);
    }
  }
  pool.close();
});

test('to a client that reads nothing a step more is encrypted than the kernel takes', async () => {
  using folder = new Folder();
  const pool = createPool();
  const body = pool.from(Buffer.alloc(64 * 1024 ** 2));
  let failed: ((error: Error) => void) | undefined;
  const failure = new Promise<Error>(resolve => {
    failed = resolve;
  });
  let waits: (() => void) | undefined;
  const waiting = new Promise<void>(resolve => {
    waits = resolve;
  });
  let sender: TlsSender | undefined;
  await using server = serverOf(folder, link => {
    const pending = { parts: [body], mode: 'auto', sent: () => {}, failed: failed ?? (() => {}) } as const;
    sender = new TlsSender(link, pending);
    setImmediate(function look() {
      if (link.hasUnsent) waits?.();
      else setImmediate(look);
    });
    return sender;
  });
  const client = connect({ port: await server.port(), host: '127.0.0.1', rejectUnauthorized: false });
  await once(client, 'secureConnect');
  client.pause();
  client.write('ask');
  await watchdog(waiting, 'the client to be waited for');
  assert.ok((sender?.taken ?? 0) < 16 * 1024 ** 2, `${sender?.taken} bytes`);
  assert.equal(body.released, false);
  client.destroy();
  assert.equal(((await watchdog(failure, 'a failure')) as NodeJS.ErrnoException).code, 'ERR_IOLITE_PEER');
  assert.equal(body.released, true);
  pool.close();
});
