import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { selfSigned } from '../../../../src/cli/serve/tls/self-signed.ts';
import { knownCertificate, troubleOfTime } from '../../../../src/network/tls/certificates.ts';
import { Folder } from '../../../support/folder.ts';

test('a certificate for this machine, for 30 days, that vouches for itself', () => {
  using folder = new Folder();
  const pem = selfSigned();
  const known = knownCertificate(pem);
  assert.ok(known.names.includes('localhost') && known.names.includes(hostname().toLowerCase()));
  assert.equal(troubleOfTime(known), undefined);
  const days = (known.validTo.getTime() - known.validFrom.getTime()) / (24 * 3600_000);
  assert.equal(Math.floor(days), 30);
  const x509 = new X509Certificate(pem.cert);
  for (const address of ['127.0.0.1', '::1']) assert.equal(x509.checkIP(address), address);
  assert.equal(x509.checkIP('127.0.0.2'), undefined);
  assert.ok(x509.verify(x509.publicKey));
  assert.notEqual(new X509Certificate(selfSigned().cert).serialNumber, x509.serialNumber);
  // As others read it.
  writeFileSync(folder.file('cert.pem'), pem.cert);
  const trusted = ['-CAfile', folder.file('cert.pem'), '-purpose', 'sslserver'];
  execFileSync('openssl', ['verify', ...trusted, folder.file('cert.pem')], { stdio: 'pipe' });
});
