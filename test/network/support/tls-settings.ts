import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Identity, SecureSettings } from '../../../src/network/tls/secure-settings.ts';
import type { Folder } from '../../support/folder.ts';

export type KeyKind = 'ec' | 'rsa';

/** A certificate for a name, signed by itself, and its key, as PEM. */
export function certificateFor(
  folder: Folder,
  name: string,
  kind: KeyKind = 'ec',
): { readonly cert: string; readonly key: string } {
  const paths = { cert: folder.file(`${name}-${kind}.pem`), key: folder.file(`${name}-${kind}.key`) };
  const options =
    kind === 'ec' ? ['-pkeyopt', 'ec_paramgen_curve:prime256v1'] : ['-pkeyopt', 'rsa_keygen_bits:2048'];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  const made = ['req', '-x509', '-newkey', kind, ...options, '-nodes', ...subject];
  execFileSync('openssl', [...made, '-keyout', paths.key, '-out', paths.cert], { stdio: 'ignore' });
  return { cert: readFileSync(paths.cert, 'utf8'), key: readFileSync(paths.key, 'utf8') };
}

/** Settings of one identity, for whatever name. */
export function settingsOf(
  certificates: Identity['certificates'],
  ticketKeys: readonly string[] = [],
): SecureSettings {
  return { identities: [{ names: [], certificates }], minVersion: 'TLSv1.2', ticketKeys };
}

/** A key of tickets. */
export function ticketKey(): string {
  return randomBytes(80).toString('base64');
}
