import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Folder } from './folder.ts';

/** A certificate: where it and its key lie, and what they are. */
export interface MadeCertificate {
  readonly paths: { readonly cert: string; readonly key: string };
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface CertificateWishes {
  /** What the files are called. */
  readonly base?: string;
  /** Default: an elliptic one. */
  readonly kind?: 'ec' | 'rsa';
  /** Default: localhost. */
  readonly names?: readonly string[];
  /** Of the key. */
  readonly passphrase?: string;
}

/** A certificate for localhost, or what else is wished for, signed by itself. */
export function certificate(
  folder: Folder,
  { base = '', kind = 'ec', names = ['localhost'], passphrase }: CertificateWishes = {},
): MadeCertificate {
  const paths = { cert: folder.file(`${base}cert.pem`), key: folder.file(`${base}key.pem`) };
  const alternatives = names.map(name => `DNS:${name}`).join(',');
  const name = ['-subj', `/CN=${names[0]}`, '-addext', `subjectAltName=${alternatives}`];
  const key = kind === 'rsa' ? ['rsa:2048'] : ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const cipher = passphrase === undefined ? ['-nodes'] : ['-passout', `pass:${passphrase}`];
  const made = ['req', '-x509', '-newkey', ...key, ...cipher, ...name];
  execFileSync('openssl', [...made, '-keyout', paths.key, '-out', paths.cert], { stdio: 'ignore' });
  return { paths, cert: readFileSync(paths.cert), key: readFileSync(paths.key) };
}
