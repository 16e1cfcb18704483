import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkSettings } from '../../../../src/cli/serve/check-settings.ts';
import { selfSigned } from '../../../../src/cli/serve/tls/self-signed.ts';
import { planTls, withAbsoluteHostTls, withAbsoluteTls } from '../../../../src/cli/serve/tls/tls-plan.ts';
import { UserError } from '../../../../src/cli/user-error.ts';
import { certificate } from '../../../support/certificate.ts';
import { Folder } from '../../../support/folder.ts';

test('files are read and checked; all that is wrong is told, with the files', async () => {
  using folder = new Folder();
  const { paths } = certificate(folder);
  const host = certificate(folder, { base: 'host-', names: ['host.example'], passphrase: 'secret' });
  writeFileSync(folder.file('tickets'), Buffer.alloc(160, 1));
  const hosts = { 'shop.example': { tls: { ...host.paths, passphrase: 'secret' } } };
  const { settings, faults, warnings } = await planTls(
    { ...paths, minVersion: 'TLSv1.3', ticketKeys: folder.file('tickets') },
    hosts,
  );
  assert.deepEqual([faults, warnings], [[], []]);
  assert.equal(settings?.minVersion, 'TLSv1.3');
  assert.equal(settings.ticketKeys.length, 2);
  assert.deepEqual(
    settings.identities.map(({ names }) => names),
    [['localhost'], ['shop.example']],
  );

  const none = folder.file('none');
  const wrong = await planTls(
    {
      ...paths,
      ocsp: none,
      certificates: [{ cert: paths.cert, key: host.paths.cert }],
      ticketKeys: paths.key,
    },
    { 'shop.example': { tls: [host.paths] } },
  );
  assert.equal(wrong.settings, undefined);
  const told = wrong.faults.join('\n');
  assert.match(told, /^Cannot read the OCSP response: ENOENT/m);
  assert.ok(told.includes(`the certificate ${paths.cert} with the key ${host.paths.cert}: the key cannot`));
  assert.ok(
    told.includes(`the certificate ${host.paths.cert} with the key ${host.paths.key}: the key cannot`),
  );
  assert.match(
    told,
    /^Cannot use ticket keys: 80 bytes for each are wanted, \d+ were given \(.*key\.pem\)$/m,
  );
  assert.equal(wrong.faults.length, 4);
});

test('a certificate that has expired is a warning, and a fault for who checks the settings', async () => {
  using folder = new Folder();
  const paths = { cert: folder.file('cert.pem'), key: folder.file('key.pem') };
  const { cert, key } = selfSigned(['localhost'], Date.UTC(2020, 0));
  writeFileSync(paths.cert, cert);
  writeFileSync(paths.key, key);
  const { settings, warnings } = await planTls(paths);
  assert.notEqual(settings, undefined);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] as string, /^The certificate .*cert\.pem: it has expired on 20/);
  await assert.rejects(checkSettings({ root: folder.path, tls: paths }), error => {
    assert.ok(error instanceof UserError);
    assert.deepEqual(error.faults, warnings);
    return true;
  });
});

test('a certificate that was made for this machine stays the same', async () => {
  const [first, second] = [await planTls({ selfSigned: true }), await planTls({ selfSigned: true })];
  assert.deepEqual(first.faults, []);
  assert.deepEqual(first.settings, second.settings);
});

test('a host has certificates only where there are some for all', async () => {
  using folder = new Folder();
  const { paths } = certificate(folder);
  const hosts = { 'shop.example': { root: folder.path, tls: paths } };
  await assert.rejects(checkSettings({ root: folder.path, hosts }), {
    message: 'hosts.shop.example.tls: there is no tls that it goes with',
  });
});

test('paths are from the folder of the settings', () => {
  const files = { cert: 'a.pem', key: '/b.pem', ocsp: 'c.der' };
  const absolute = { cert: '/in/a.pem', key: '/b.pem', ocsp: '/in/c.der' };
  const tls = { ...files, certificates: [files], ticketKeys: 'keys', minVersion: 'TLSv1.3' as const };
  const expected = { ...tls, ...absolute, certificates: [absolute], ticketKeys: '/in/keys' };
  assert.deepEqual(withAbsoluteTls(tls, '/in'), expected);
  assert.deepEqual(withAbsoluteHostTls([files], '/in'), [absolute]);
  assert.deepEqual(withAbsoluteHostTls(files, '/in'), absolute);
  assert.deepEqual(withAbsoluteTls({ selfSigned: true }, '/in'), { selfSigned: true });
});
