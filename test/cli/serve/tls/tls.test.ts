import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { ignore } from '../../../../src/base/ignore.ts';
import { certificate, type MadeCertificate } from '../../../support/certificate.ts';
import { Folder } from '../../../support/folder.ts';
import { watchdog } from '../../../support/watchdog.ts';
import { get, Served } from '../../support/server.ts';

interface Asked {
  readonly text: string;
  readonly worker: number;
  readonly isResumed: boolean;
  readonly session: Buffer;
  /** Of the server. */
  readonly certificate: Buffer;
  readonly kind: string | undefined;
  readonly stapled: Buffer | undefined;
  readonly fields: string;
}

/** Its type does not know it. */
const STAPLED = { requestOCSP: true };

/** One request on a connection of its own. */
async function ask(port: number, options: ConnectionOptions = {}): Promise<Asked> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    ...STAPLED,
    ...options,
  });
  let session = Buffer.alloc(0);
  let stapled: Buffer | undefined;
  socket.on('session', given => {
    session = given;
  });
  socket.on('OCSPResponse', (response: Buffer | null) => {
    stapled = response ?? undefined;
  });
  const pieces: Buffer[] = [];
  socket.on('data', piece => pieces.push(piece));
  socket.once('secureConnect', () => {
    socket.write('GET /index.html HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  });
  await watchdog(once(socket, 'secureConnect'), 'the handshake');
  const isResumed = socket.isSessionReused();
  const peer = isResumed ? undefined : socket.getPeerX509Certificate();
  await watchdog(once(socket, 'end'), 'the end of the answer');
  // The server has closed it, and is told that we do.
  socket.on('error', ignore);
  const [fields = '', text = ''] = Buffer.concat(pieces).toString('latin1').split('\r\n\r\n');
  return {
    text,
    fields,
    isResumed,
    session,
    stapled,
    worker: Number(/^x-iolite-worker: (\d+)/im.exec(fields)?.[1]),
    certificate: peer?.raw ?? Buffer.alloc(0),
    kind: peer?.publicKey.asymmetricKeyType,
  };
}

function rawOf({ cert }: MadeCertificate): Buffer {
  return new X509Certificate(cert).raw;
}

/** Sends SIGHUP and waits until it is said what came of it. */
async function reload(served: Served, told = /^Reloaded$/m): Promise<void> {
  const [out, err] = [served.stdout.length, served.stderr.length];
  served.process.kill('SIGHUP');
  const done = async (): Promise<void> => {
    const { stdout, stderr } = served.process;
    while (!told.test(served.stdout.slice(out)) && !told.test(served.stderr.slice(err)))
      await Promise.race([once(stdout as never, 'data'), once(stderr as never, 'data')]);
  };
  await watchdog(done(), `the reload; stderr: ${served.stderr}`);
}

function settingsIn(folder: Folder, settings: object): string {
  writeFileSync(folder.file('config.json'), JSON.stringify({ root: 'site', ...settings }));
  return folder.file('config.json');
}

function siteIn(folder: Folder): void {
  mkdirSync(folder.file('site'));
  writeFileSync(folder.file('site/index.html'), 'home');
}

test('a session goes on with another worker, and after a reload', async () => {
  using folder = new Folder();
  siteIn(folder);
  const { paths } = certificate(folder);
  const config = settingsIn(folder, { workers: 2, tls: paths });
  await using served = await Served.startWith(['--config', config]);
  for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
    const first = await ask(served.port, { maxVersion });
    assert.deepEqual([first.text, first.isResumed], ['home', false]);
    const workers = new Set<number>();
    const byAll = async (): Promise<void> => {
      while (workers.size < 2) {
        const again = await ask(served.port, { session: first.session, maxVersion });
        assert.ok(again.isResumed, `resumed with ${again.worker}, ${maxVersion}`);
        workers.add(again.worker);
      }
    };
    await watchdog(byAll(), 'answers of both workers');
    await reload(served);
    const byNew = async (): Promise<void> => {
      for (;;) {
        const again = await ask(served.port, { session: first.session, maxVersion });
        assert.ok(again.isResumed, `resumed after the reload, ${maxVersion}`);
        if (!workers.has(again.worker)) return;
      }
    };
    await watchdog(byNew(), 'an answer of a new worker');
  }
});

test('names and kinds of keys: each client gets the certificate that it can check', async () => {
  using folder = new Folder();
  siteIn(folder);
  const ec = certificate(folder, { base: 'ec-', names: ['one.example', '*.one.example'] });
  const rsa = certificate(folder, { base: 'rsa-', kind: 'rsa', names: ['one.example', '*.one.example'] });
  const two = certificate(folder, { base: 'two-', names: ['two.example'], passphrase: 'secret' });
  const host = certificate(folder, { base: 'host-', names: ['other.example'] });
  const config = settingsIn(folder, {
    workers: 1,
    tls: { certificates: [ec.paths, rsa.paths, { ...two.paths, passphrase: 'secret' }] },
    hosts: { 'host.example': { root: 'site', tls: host.paths } },
  });
  await using served = await Served.startWith(['--config', config]);
  const ofRsa = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } as const;
  for (const [options, made] of [
    [{}, ec],
    [{ servername: 'none.example' }, ec],
    [{ servername: 'one.example' }, ec],
    [{ servername: 'www.one.example' }, ec],
    [{ servername: 'two.example' }, two],
    [{ servername: 'host.example' }, host],
    [ofRsa, rsa],
    [{ ...ofRsa, servername: 'www.one.example' }, rsa],
  ] as const) {
    const asked = await ask(served.port, options);
    assert.ok(asked.certificate.equals(rawOf(made)), JSON.stringify(options));
    assert.equal(asked.text, 'home');
  }
});

test('what an OCSP responder said is stapled', async () => {
  using folder = new Folder();
  siteIn(folder);
  const { paths } = certificate(folder);
  const openssl = (...args: string[]): string =>
    execFileSync('openssl', args, { cwd: folder.path, stdio: ['ignore', 'pipe', 'pipe'] }).toString();
  const issuer = ['-issuer', 'cert.pem', '-cert', 'cert.pem'];
  openssl('ocsp', ...issuer, '-reqout', 'request.der', '-no_nonce');
  const serial = openssl('x509', '-in', 'cert.pem', '-noout', '-serial').trim().slice('serial='.length);
  writeFileSync(folder.file('index.txt'), `V\t361231235959Z\t\t${serial}\tunknown\t/CN=localhost\n`);
  const signer = ['-index', 'index.txt', '-CA', 'cert.pem', '-rsigner', 'cert.pem', '-rkey', 'key.pem'];
  openssl('ocsp', ...signer, '-reqin', 'request.der', '-respout', 'ocsp.der', '-ndays', '7');
  const config = settingsIn(folder, { workers: 1, tls: { ...paths, ocsp: 'ocsp.der' } });
  await using served = await Served.startWith(['--config', config]);
  const client = ['s_client', '-connect', `127.0.0.1:${served.port}`, '-status', '-CAfile', paths.cert];
  const said = openssl(...client);
  assert.match(said, /OCSP Response Status: successful/);
  assert.match(said, /Cert Status: good/);
  assert.equal(
    (await ask(served.port)).stapled?.length,
    execFileSync('cat', [folder.file('ocsp.der')]).length,
  );
});

test('HSTS is said over TLS, and by nobody who redirects there from plain HTTP', async () => {
  using folder = new Folder();
  siteIn(folder);
  const { paths } = certificate(folder);
  const tls = {
    ...paths,
    hsts: { maxAge: '1 day', includeSubDomains: true },
    redirect: { port: 0, to: 443 },
  };
  const config = settingsIn(folder, { workers: 1, tls, hosts: { 'a.example': { root: 'site' } } });
  await using served = await Served.startWith(['--config', config]);
  const { fields } = await ask(served.port);
  assert.match(fields, /^Strict-Transport-Security: max-age=86400; includeSubDomains$/im);
  const [, plain] = /plain HTTP at port (\d+) /.exec(served.stdout) ?? [];
  const { status, headers } = await get(Number(plain), '/a?b', { headers: { Host: 'a.example:80' } });
  assert.deepEqual([status, headers.location], [301, 'https://a.example/a?b']);
  assert.equal(headers['strict-transport-security'], undefined);
  const posted = await get(Number(plain), '/', { method: 'POST' });
  assert.deepEqual([posted.status, posted.headers.location], [308, 'https://127.0.0.1/']);
});

test('a reload reads certificates anew under load, and none that cannot be used', async () => {
  using folder = new Folder();
  siteIn(folder);
  const first = certificate(folder);
  const config = settingsIn(folder, { workers: 2, tls: first.paths });
  await using served = await Served.startWith(['--config', config]);
  let isOver = false;
  let answers = 0;
  const load = async (): Promise<void> => {
    while (!isOver) {
      assert.equal((await ask(served.port)).text, 'home');
      answers++;
    }
  };
  const loads = [load(), load(), load()];
  const second = certificate(folder);
  await reload(served);
  const renewed = async (): Promise<void> => {
    // The old ones hear of it by a signal.
    while (!(await ask(served.port)).certificate.equals(rawOf(second)));
  };
  await watchdog(renewed(), 'the new certificate');
  writeFileSync(first.paths.key, 'no key');
  await reload(
    served,
    /^iolite: Cannot reload: Cannot use the certificate .*cert\.pem with the key .*: the key cannot/m,
  );
  assert.ok((await ask(served.port)).certificate.equals(rawOf(second)));
  isOver = true;
  await Promise.all(loads);
  assert.ok(answers > 0);
});

test('--tls-self-signed: curl takes it with -k, and by itself once it is told to trust it', async () => {
  using folder = new Folder();
  siteIn(folder);
  await using served = await Served.start(folder.file('site'), ['-w', '1', '--tls-self-signed']);
  assert.match(served.stdout, /at https:\/\/127\.0\.0\.1:/);
  const url = `https://127.0.0.1:${served.port}/`;
  assert.equal(execFileSync('curl', ['-sk', url]).toString(), 'home');
  const { certificate: raw } = await ask(served.port);
  const body = raw.toString('base64').replace(/.{1,64}/g, '$&\n');
  writeFileSync(folder.file('ca.pem'), `-----BEGIN CERTIFICATE-----\n${body}-----END CERTIFICATE-----\n`);
  assert.equal(execFileSync('curl', ['-s', '--cacert', folder.file('ca.pem'), url]).toString(), 'home');
  const refused = once(request(url).end(), 'response');
  await assert.rejects(refused, { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
});
