import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { SecureContext } from '../../../src/network/tls/secure-context.ts';
import type { SecureSettings } from '../../../src/network/tls/secure-settings.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import { TlsLinkServer } from '../support/tls-link-server.ts';
import { certificateFor, settingsOf, ticketKey } from '../support/tls-settings.ts';

async function connected(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  await watchdog(once(socket, 'secureConnect'), 'a handshake');
  return socket;
}

/** A session to come back with. */
async function sessionOf(port: number, options: ConnectionOptions): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  // The ticket of TLS 1.3 comes behind the handshake.
  socket.on('data', () => {});
  const [session] = (await watchdog(once(socket, 'session'), 'a ticket')) as [Buffer];
  socket.destroy();
  return session;
}

async function comesBack(port: number, session: Buffer, options: ConnectionOptions): Promise<boolean> {
  const socket = await connected(port, { ...options, session });
  const isResumed = socket.isSessionReused();
  socket.destroy();
  return isResumed;
}

test('what is no certificate, or not its key, is refused with a code and in words', () => {
  using folder = new Folder();
  const one = certificateFor(folder, 'one');
  const other = certificateFor(folder, 'other');
  const refused = (settings: SecureSettings, why: RegExp): void => {
    assert.throws(() => new SecureContext(settings, ['http/1.1']), {
      code: 'ERR_IOLITE_ARGUMENT',
      message: why,
    });
  };
  refused(settingsOf([{ cert: 'no certificate', key: one.key }]), /PEM/);
  refused(settingsOf([{ cert: one.cert, key: 'no key' }]), /PEM/);
  refused(settingsOf([{ cert: one.cert, key: other.key }]), /mismatch/);
  refused(settingsOf([{ cert: one.cert, key: '' }]), /PEM/);
  refused(settingsOf([one], ['c2hvcnQ=']), /80 bytes/);
  const context = new SecureContext(settingsOf([one]), ['http/1.1']);
  assert.throws(() => context.setTicketKeys([]), { code: 'ERR_IOLITE_ARGUMENT' });
  context.close();
  context.close();
  assert.throws(() => context.pointer, { code: 'ERR_IOLITE_CLOSED' });
});

test('a client gets the certificate of the name that it asks for, of a kind that it knows', async () => {
  using folder = new Folder();
  const first = certificateFor(folder, 'first');
  const ec = certificateFor(folder, 'second');
  const rsa = certificateFor(folder, 'second', 'rsa');
  const settings: SecureSettings = {
    identities: [
      { names: [], certificates: [first] },
      { names: ['second', '*.second.example'], certificates: [ec, rsa] },
    ],
    minVersion: 'TLSv1.2',
    ticketKeys: [],
  };
  await using server = new TlsLinkServer(settings);
  const port = await server.port();
  const subject = async (
    options: ConnectionOptions,
  ): Promise<[string | string[] | undefined, string | undefined]> => {
    const socket = await connected(port, options);
    const { subject: whose, asn1Curve } = socket.getPeerCertificate() as {
      subject?: { CN?: string };
      asn1Curve?: string;
    };
    socket.destroy();
    return [whose?.CN, asn1Curve];
  };
  assert.deepEqual(await subject({}), ['first', 'prime256v1']);
  assert.deepEqual(await subject({ servername: 'unknown' }), ['first', 'prime256v1']);
  assert.deepEqual(await subject({ servername: 'second' }), ['second', 'prime256v1']);
  assert.deepEqual(await subject({ servername: 'a.SECOND.example' }), ['second', 'prime256v1']);
  const onlyRsa = {
    servername: 'second',
    maxVersion: 'TLSv1.2',
    ciphers: 'ECDHE-RSA-AES128-GCM-SHA256',
  } as const;
  assert.deepEqual(await subject(onlyRsa), ['second', undefined]);
});

test('a client comes back with a ticket, also to another server that has the key, or had it', async () => {
  using folder = new Folder();
  const certificate = certificateFor(folder, 'localhost');
  const [older, newer, other] = [ticketKey(), ticketKey(), ticketKey()];
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const options = { minVersion: version, maxVersion: version, servername: 'localhost' };
    await using alone = new TlsLinkServer(settingsOf([certificate]));
    await using first = new TlsLinkServer(settingsOf([certificate], [older]));
    await using second = new TlsLinkServer(settingsOf([certificate], [newer, older]));
    await using third = new TlsLinkServer(settingsOf([certificate], [other]));
    const own = await sessionOf(await alone.port(), options);
    assert.equal(await comesBack(await alone.port(), own, options), true);
    const session = await sessionOf(await first.port(), options);
    assert.equal(await comesBack(await first.port(), session, options), true);
    assert.equal(await comesBack(await second.port(), session, options), true);
    assert.equal(await comesBack(await third.port(), session, options), false);
    first.context.setTicketKeys([newer]);
    assert.equal(await comesBack(await first.port(), session, options), false);
    assert.equal(
      await comesBack(await first.port(), await sessionOf(await second.port(), options), options),
      true,
    );
  }
});

test('what an authority says of a certificate goes with it, to who asks', async () => {
  using folder = new Folder();
  const ocsp = Buffer.from('an answer of the authority');
  const plain = certificateFor(folder, 'plain');
  const stapled = { ...certificateFor(folder, 'stapled'), ocsp: ocsp.toString('base64') };
  await using server = new TlsLinkServer({
    identities: [
      { names: ['plain'], certificates: [plain] },
      { names: ['stapled'], certificates: [stapled] },
    ],
    minVersion: 'TLSv1.2',
    ticketKeys: [],
  });
  const port = await server.port();
  for (const [servername, wanted] of [
    ['stapled', ocsp],
    ['plain', null],
  ] as const) {
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false, servername, requestOCSP: true };
    const socket = connect(options);
    const [response] = await watchdog(once(socket, 'OCSPResponse'), 'what is stapled');
    assert.deepEqual(response, wanted);
    socket.destroy();
  }
});

test('protocols are chosen as the server prefers them; none of them is an alert', async () => {
  using folder = new Folder();
  await using server = new TlsLinkServer(settingsOf([certificateFor(folder, 'localhost')]));
  const port = await server.port();
  const chosen = async (ALPNProtocols?: string[]): Promise<string | false | null> => {
    const socket = await connected(port, ALPNProtocols === undefined ? {} : { ALPNProtocols });
    socket.destroy();
    return socket.alpnProtocol;
  };
  assert.equal(await chosen(), false);
  assert.equal(await chosen(['http/1.1', 'h2']), 'h2');
  assert.equal(await chosen(['spdy', 'http/1.1']), 'http/1.1');
  const refused = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['spdy'] });
  const [error] = await watchdog(once(refused, 'error'), 'an alert');
  assert.equal((error as NodeJS.ErrnoException).code, 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
});

test('a server that speaks TLS 1.3 at least refuses 1.2', async () => {
  using folder = new Folder();
  const settings = { ...settingsOf([certificateFor(folder, 'localhost')]), minVersion: 'TLSv1.3' } as const;
  await using server = new TlsLinkServer(settings);
  const port = await server.port();
  (await connected(port)).destroy();
  const old = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
  const [error] = await watchdog(once(old, 'error'), 'an alert');
  assert.match((error as NodeJS.ErrnoException).code ?? '', /PROTOCOL_VERSION/);
});
