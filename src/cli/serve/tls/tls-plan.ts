import { readFile } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { namedError } from '../../../base/error.ts';
import { identitiesFor } from '../../../http/server/tls-options.ts';
import { type KnownCertificate, knownCertificate, troubleOfTime } from '../../../network/tls/certificates.ts';
import type { SecureSettings } from '../../../network/tls/secure-settings.ts';
import { ticketKeysIn } from '../../../network/tls/ticket-key-ring.ts';
import type { HostConfig } from '../settings/content-schema.ts';
import type { ServeConfig } from '../settings/settings-schema.ts';
import type { CertificateFiles, TlsConfig } from '../settings/tls-schema.ts';
import { selfSigned } from './self-signed.ts';

/** What came of the settings of TLS. */
interface TlsPlan {
  /** Undefined where something is wrong. Without ticket keys where no file has them. */
  readonly settings: SecureSettings | undefined;
  /** What keeps it from being used, for people. */
  readonly faults: readonly string[];
  /** What clients will not like. */
  readonly warnings: readonly string[];
}

/** That of node:fs/promises takes a read of fewer bytes than it asked for as the end of the file. */
const readWhole = promisify(readFile);

/** It is the same as long as the process lives, for clients that were told to trust it. */
let own: KnownCertificate | undefined;

/** Reads the files of TLS, and checks them. */
export async function planTls(tls: TlsConfig, hosts: ServeConfig['hosts'] = {}): Promise<TlsPlan> {
  const faults: string[] = [];
  const warnings: string[] = [];
  const attempt = async <T>(read: () => Promise<T> | T): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      faults.push((error as Error).message);
      return undefined;
    }
  };
  const known = async (all: readonly CertificateFiles[]): Promise<KnownCertificate[]> => {
    const read = await Promise.all(all.map(files => attempt(() => readCertificate(files))));
    for (const [index, each] of read.entries()) {
      const trouble = each && troubleOfTime(each);
      if (trouble !== undefined) warnings.push(`The certificate ${all[index]?.cert}: ${trouble}`);
    }
    return read.filter(each => each !== undefined);
  };
  const { cert, key, passphrase, ocsp, certificates = [], minVersion = 'TLSv1.2' } = tls;
  const first = cert === undefined || key === undefined ? [] : [{ cert, key, passphrase, ocsp }];
  const all = tls.selfSigned === true ? [ownCertificate()] : await known([...first, ...certificates]);
  const byHost = new Map<string, KnownCertificate[]>();
  for (const [name, host] of Object.entries(hosts))
    if (host.tls !== undefined) byHost.set(name, await known([host.tls].flat()));
  const ticketKeys = await attempt(() => readTicketKeys(tls.ticketKeys));
  if (faults.length > 0 || ticketKeys === undefined) return { settings: undefined, faults, warnings };
  const identities = identitiesFor(all, byHost);
  return { settings: { identities, minVersion, ticketKeys }, faults, warnings };
}

/** Paths from a folder. */
export function withAbsoluteTls(tls: TlsConfig, folder: string): TlsConfig {
  const { cert, key, ocsp, certificates, ticketKeys } = tls;
  return {
    ...tls,
    ...(cert === undefined ? {} : { cert: resolve(folder, cert) }),
    ...(key === undefined ? {} : { key: resolve(folder, key) }),
    ...(ocsp === undefined ? {} : { ocsp: resolve(folder, ocsp) }),
    ...(ticketKeys === undefined ? {} : { ticketKeys: resolve(folder, ticketKeys) }),
    ...(certificates === undefined
      ? {}
      : { certificates: certificates.map(each => absoluteFiles(each, folder)) }),
  };
}

/** Paths from a folder. */
export function withAbsoluteHostTls(tls: HostConfig['tls'], folder: string): HostConfig['tls'] {
  if (Array.isArray(tls)) return tls.map(each => absoluteFiles(each, folder));
  return tls === undefined ? undefined : absoluteFiles(tls as CertificateFiles, folder);
}

function absoluteFiles(files: CertificateFiles, folder: string): CertificateFiles {
  const { cert, key, ocsp } = files;
  return {
    ...files,
    cert: resolve(folder, cert),
    key: resolve(folder, key),
    ...(ocsp === undefined ? {} : { ocsp: resolve(folder, ocsp) }),
  };
}

function ownCertificate(): KnownCertificate {
  if (own === undefined || troubleOfTime(own) !== undefined) own = knownCertificate(selfSigned());
  return own;
}

async function readCertificate({ cert, key, passphrase, ocsp }: CertificateFiles): Promise<KnownCertificate> {
  const files = {
    cert: await read(cert, 'certificate'),
    key: await read(key, 'key'),
    ocsp: ocsp === undefined ? undefined : await read(ocsp, 'OCSP response'),
  };
  try {
    return knownCertificate({ ...files, passphrase });
  } catch (error) {
    const why = (error as Error).message.replace(/^Cannot use the certificate: /, '');
    throw new Error(`Cannot use the certificate ${cert} with the key ${key}: ${why}`);
  }
}

async function readTicketKeys(path: string | undefined): Promise<string[]> {
  if (path === undefined) return [];
  const bytes = await read(path, 'ticket keys');
  try {
    return ticketKeysIn(bytes);
  } catch (error) {
    throw new Error(`${(error as Error).message} (${path})`);
  }
}

async function read(path: string, what: string): Promise<Buffer> {
  try {
    return await readWhole(path);
  } catch (error) {
    throw new Error(`Cannot read the ${what}: ${namedError(error, path).message}`);
  }
}
