import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { ArgumentError } from '../../base/error.ts';
import type { Certificate, Identity } from './secure-settings.ts';

/** A certificate as it is given. */
export interface CertificateOptions {
  /** The chain, the server's own first, as PEM. */
  readonly cert: string | Uint8Array;
  /** The private key, as PEM. */
  readonly key: string | Uint8Array;
  /** What the key was enciphered with. */
  readonly passphrase?: string | undefined;
  /** What an OCSP responder said of the certificate, DER. Clients that ask for it are sent it. */
  readonly ocsp?: Uint8Array | undefined;
}

/** A certificate, and what it says. */
export interface KnownCertificate {
  readonly certificate: Certificate;
  /** Whom it is for, in lower case. */
  readonly names: readonly string[];
  /** The kind of its key: 'ec', 'rsa', ... */
  readonly kind: string;
  readonly validFrom: Date;
  readonly validTo: Date;
}

const PEM_CERTIFICATE = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----[\s\S]+?-----END \1-----/;
/** A name of a certificate that is no more than a name. See X509Certificate.subjectAltName. */
const DNS_NAME = /(?:^|, )DNS:([^\s",]+)(?=, |$)/g;
/** How an OCSP response begins that has an answer: a sequence, and in it the status 0 (RFC 6960, 4.2.1). */
const OCSP_SUCCESS = /^30(?:[0-7].|8[1-4](?:..){1,4}?)0a0100/;

/**
 * Checks a certificate and its key.
 * @throws ERR_IOLITE_ARGUMENT with what is wrong: no certificate, no key, a wrong passphrase, the key of
 *   another certificate, an OCSP response that is none
 */
export function knownCertificate({ cert, key, passphrase, ocsp }: CertificateOptions): KnownCertificate {
  const chain = textOf(cert);
  const own = PEM_CERTIFICATE.exec(chain)?.[0];
  if (own === undefined) throw refused('there is no certificate as PEM');
  const x509 = attempt('the certificate cannot be read', () => new X509Certificate(own));
  const privateKey = attempt(passphrase === undefined ? 'the key cannot be read' : KEY_OR_PASSPHRASE, () =>
    createPrivateKey({
      key: textOf(key),
      format: 'pem',
      ...(passphrase === undefined ? {} : { passphrase }),
    }),
  );
  if (!x509.checkPrivateKey(privateKey)) throw refused('the key belongs to another certificate');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  attempt('OpenSSL does not take them', () => createSecureContext({ cert: chain, key: pem }));
  if (ocsp !== undefined && !OCSP_SUCCESS.test(Buffer.from(ocsp.subarray(0, 16)).toString('hex')))
    throw refused('the OCSP response is none, or tells of a failure (DER is wanted)');
  return {
    certificate: { cert: chain, key: pem, ocsp: ocsp && Buffer.from(ocsp).toString('base64') },
    names: namesOf(x509),
    kind: kindOf(privateKey),
    validFrom: new Date(x509.validFrom),
    validTo: new Date(x509.validTo),
  };
}

const KEY_OR_PASSPHRASE = 'the key cannot be read, or not with this passphrase';

/** Why clients refuse a certificate at some time; undefined when its time is right. */
export function troubleOfTime(
  { validFrom, validTo }: KnownCertificate,
  now: Date = new Date(),
): string | undefined {
  if (now > validTo) return `it has expired on ${validTo.toISOString()}`;
  if (now < validFrom) return `it is not valid before ${validFrom.toISOString()}`;
  return undefined;
}

/**
 * Who a server is, by its certificates.
 * @param certificates those of one name stand side by side, the first of each kind of key. The first of all
 *   is for clients that name nobody
 * @param byHost certificates that are for the clients of some hosts, whatever names they have
 */
export function identitiesOf(
  certificates: readonly KnownCertificate[],
  byHost: ReadonlyMap<string, readonly KnownCertificate[]> = new Map(),
): Identity[] {
  const groups = new Map<string, { names: string[]; members: readonly KnownCertificate[] }>();
  const all = [...new Set([...certificates, ...[...byHost.values()].flat()])];
  const add = (name: string | undefined, members: readonly KnownCertificate[]): void => {
    const key = members.map(each => all.indexOf(each)).join();
    const group = groups.get(key) ?? { names: [], members };
    if (name !== undefined) group.names.push(name);
    groups.set(key, group);
  };
  const [first] = certificates;
  const hosts = new Map([...byHost].map(([name, each]) => [name.toLowerCase(), each]));
  if (first !== undefined) {
    const [name] = first.names;
    add(undefined, name === undefined ? [first] : sideBySide(certificates, name, first));
  }
  for (const [name, own] of hosts) add(name, firstOfKinds(own));
  for (const name of new Set(certificates.flatMap(({ names }) => names))) {
    if (!hosts.has(name)) add(name, sideBySide(certificates, name));
  }
  return [...groups.values()].map(({ names, members }) => ({
    names,
    certificates: members.map(({ certificate }) => certificate) as [Certificate, ...Certificate[]],
  }));
}

/** Those that are for a name, and one that is before all others, if it is. */
function sideBySide(
  certificates: readonly KnownCertificate[],
  name: string,
  first?: KnownCertificate,
): readonly KnownCertificate[] {
  const wide = name.startsWith('*.') ? name : `*${name.slice(name.indexOf('.'))}`;
  const exact = certificates.filter(({ names }) => names.includes(name));
  const wider = certificates.filter(({ names }) => names.includes(wide));
  return firstOfKinds([...(first === undefined ? [] : [first]), ...exact, ...wider]);
}

function firstOfKinds(certificates: readonly KnownCertificate[]): readonly KnownCertificate[] {
  return certificates.filter(
    (each, index) => certificates.findIndex(({ kind }) => kind === each.kind) === index,
  );
}

function namesOf({ subjectAltName, subject }: X509Certificate): string[] {
  const names = [...(subjectAltName ?? '').matchAll(DNS_NAME)].map(([, name]) => name as string);
  // What it was before there were others.
  const common = /^CN=(\S+)$/m.exec(subjectAltName === undefined ? subject : '')?.[1];
  return [...new Set((common === undefined ? names : [common]).map(name => name.toLowerCase()))];
}

function kindOf({ asymmetricKeyType }: KeyObject): string {
  return asymmetricKeyType ?? 'unknown';
}

function textOf(pem: string | Uint8Array): string {
  return typeof pem === 'string' ? pem : Buffer.from(pem).toString('latin1');
}

function attempt<T>(what: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw refused(`${what}: ${(cause as Error).message}`);
  }
}

function refused(why: string): ArgumentError {
  return new ArgumentError(`Cannot use the certificate: ${why}`);
}
