import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Folder } from './folder.ts';

/** A certificate for localhost, signed by itself: where it and its key lie, and what they are. */
export function certificate(folder: Folder): {
  readonly paths: { readonly cert: string; readonly key: string };
  readonly cert: Buffer;
  readonly key: Buffer;
} {
  const paths = { cert: folder.file('cert.pem'), key: folder.file('key.pem') };
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', [...made, ...name, '-keyout', paths.key, '-out', paths.cert], { stdio: 'ignore' });
  return { paths, cert: readFileSync(paths.cert), key: readFileSync(paths.key) };
}
