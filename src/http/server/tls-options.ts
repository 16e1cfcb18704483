import { ArgumentError, describe } from '../../base/error.ts';
import {
  type CertificateOptions,
  identitiesOf,
  type KnownCertificate,
  knownCertificate,
} from '../../network/tls/certificates.ts';
import type { Identity, SecureSettings, TlsVersion } from '../../network/tls/secure-settings.ts';
import { ticketKeysIn } from '../../network/tls/ticket-key-ring.ts';
import type { HstsOptions } from './hsts.ts';

/** How a server speaks TLS: certificates, and what goes with them. */
export interface TlsOptions extends Partial<CertificateOptions> {
  /**
   * More certificates. Those of one name stand side by side, one for each kind of key; of several names each
   * client gets that of the name that it asks for.
   */
  readonly certificates?: readonly CertificateOptions[] | undefined;
  /** The oldest version that is spoken. Default 'TLSv1.2'. */
  readonly minVersion?: TlsVersion | undefined;
  /** Has browsers ask by HTTPS only (Strict-Transport-Security): true for a year. Default: no. */
  readonly hsts?: HstsOptions | boolean | undefined;
  /** A port where clients of plain HTTP are sent here. Default: none. */
  readonly redirect?: number | undefined;
  /**
   * Keys of session tickets, 80 bytes each, the first for new ones: for servers that share them. Default:
   * keys of the server's own, a new one every hour.
   */
  readonly ticketKeys?: Uint8Array | undefined;
}

/** The certificates of a host, in place of those that have its name. */
export type HostTlsOptions = CertificateOptions | readonly CertificateOptions[];

/**
 * What a server needs to speak TLS, without ticket keys where the options have none.
 * @param byHost certificates of hosts, by name or pattern
 * @throws ERR_IOLITE_ARGUMENT
 */
export function secureSettings(
  { cert, key, passphrase, ocsp, certificates = [], minVersion = 'TLSv1.2', ticketKeys }: TlsOptions,
  byHost: ReadonlyMap<string, HostTlsOptions> = new Map(),
): SecureSettings {
  if (minVersion !== 'TLSv1.2' && minVersion !== 'TLSv1.3') {
    throw new ArgumentError(
      `Cannot use tls: 'TLSv1.2' or 'TLSv1.3' is wanted as minVersion, ${describe(minVersion)} was given`,
    );
  }
  const given = [...certificates];
  if (cert !== undefined && key !== undefined) given.unshift({ cert, key, passphrase, ocsp });
  else if (cert !== undefined || key !== undefined)
    throw new ArgumentError('Cannot use tls: cert and key are wanted together');
  const identities = identitiesFor(
    given.map(knownCertificate),
    new Map([...byHost].map(([name, each]) => [name, [each].flat().map(knownCertificate)])),
  );
  return { identities, minVersion, ticketKeys: ticketKeys === undefined ? [] : ticketKeysIn(ticketKeys) };
}

/** @throws ERR_IOLITE_ARGUMENT when there is no certificate */
export function identitiesFor(
  certificates: readonly KnownCertificate[],
  byHost: ReadonlyMap<string, readonly KnownCertificate[]>,
): SecureSettings['identities'] {
  const identities = identitiesOf(certificates, byHost);
  if (identities.length === 0)
    throw new ArgumentError('Cannot use tls: a certificate is wanted, none was given');
  return identities as [Identity, ...Identity[]];
}
