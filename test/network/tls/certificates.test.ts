import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identitiesOf, knownCertificate, troubleOfTime } from '../../../src/network/tls/certificates.ts';
import { certificate } from '../../support/certificate.ts';
import { Folder } from '../../support/folder.ts';

test('a certificate tells its names, kind and time; its key is deciphered', () => {
  using folder = new Folder();
  const names = ['example.com', '*.Example.com'];
  const { cert, key } = certificate(folder, { names, passphrase: 'secret', kind: 'rsa' });
  const known = knownCertificate({ cert, key, passphrase: 'secret' });
  assert.deepEqual(known.names, ['example.com', '*.example.com']);
  assert.equal(known.kind, 'rsa');
  assert.match(known.certificate.key, /^-----BEGIN PRIVATE KEY-----\n/);
  assert.equal(troubleOfTime(known), undefined);
  const [past, future] = [known.validFrom, known.validTo].map(time => time.getTime()) as [number, number];
  assert.match(troubleOfTime(known, new Date(future + 1000)) ?? '', /^it has expired on 2/);
  assert.match(troubleOfTime(known, new Date(past - 1000)) ?? '', /^it is not valid before 2/);
});

test('what cannot be used is refused with what is wrong', () => {
  using folder = new Folder();
  const { cert, key } = certificate(folder);
  const other = certificate(folder, { base: 'other-' });
  const secret = certificate(folder, { base: 'secret-', passphrase: 'secret' });
  for (const [options, why] of [
    [{ cert: 'text', key }, /: there is no certificate as PEM$/],
    [{ cert: cert.toString().replace(/[A-Za-z]{20}/, ''), key }, /: the certificate cannot be read: /],
    [{ cert, key: cert }, /: the key cannot be read: /],
    [{ cert, key: other.key }, /: the key belongs to another certificate$/],
    [{ cert: secret.cert, key: secret.key }, /: the key cannot be read: /],
    [{ ...secret, passphrase: 'other' }, /: the key cannot be read, or not with this passphrase: /],
    [{ cert, key, ocsp: cert }, /: the OCSP response is none/],
    // Its status says that the responder has no time.
    [
      { cert, key, ocsp: Buffer.from('30030a0103', 'hex') },
      /: the OCSP response is none, or tells of a fail/,
    ],
  ] as const) {
    assert.throws(() => knownCertificate(options), { code: 'ERR_IOLITE_ARGUMENT', message: why });
  }
});

test('certificates of one name stand side by side; those of a host are before all that have its name', () => {
  using folder = new Folder();
  const made = (base: string, kind: 'ec' | 'rsa', names: string[]) => {
    const { cert, key } = certificate(folder, { base, kind, names });
    return knownCertificate({ cert, key });
  };
  const rsa = made('rsa-', 'rsa', ['a.example', '*.a.example']);
  const ec = made('ec-', 'ec', ['a.example', 'www.a.example']);
  const twin = made('twin-', 'ec', ['a.example', 'b.example']);
  const host = made('host-', 'ec', ['c.example']);
  const identities = identitiesOf([rsa, ec, twin], new Map([['B.example', [host]]]));
  const found = identities.map(({ names, certificates }) => [
    names,
    certificates.map(each => [rsa, ec, twin, host].findIndex(({ certificate }) => certificate === each)),
  ]);
  assert.deepEqual(found, [
    [['a.example'], [0, 1]],
    [['b.example'], [3]],
    [['*.a.example'], [0]],
    [['www.a.example'], [1, 0]],
  ]);
  assert.deepEqual(identitiesOf([]), []);
});
