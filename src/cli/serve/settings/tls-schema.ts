import * as v from 'valibot';
import { type HstsOptions, troubleOfHsts } from '../../../http/server/hsts.ts';
import { integer, MAX_PORT, needed, plainDuration, setting, settings, text } from './schema-parts.ts';

/** Files of a certificate. */
export const CertificateSchema = settings({
  cert: needed(text, 'file of the certificate chain, PEM'),
  key: needed(text, 'file of its private key, PEM'),
  passphrase: setting(text, 'what the key is enciphered with'),
  ocsp: setting(text, 'file of what an OCSP responder said of it, DER: sent to clients that ask (none)'),
});

const HstsSchema = v.union([
  v.boolean(),
  v.pipe(
    settings({
      maxAge: setting(plainDuration, 'for how long (a year)'),
      includeSubDomains: setting(v.boolean(), 'whether for all names below as well (false)'),
      preload: setting(v.boolean(), 'whether browsers may be shipped with it (false)'),
    }),
    v.rawCheck(({ dataset, addIssue }) => {
      const message = dataset.typed ? troubleOfHsts(dataset.value as HstsOptions) : undefined;
      if (message !== undefined) addIssue({ message });
    }),
  ),
]);

const RedirectSchema = v.union([
  integer(0, MAX_PORT),
  settings({
    port: needed(integer(0, MAX_PORT), 'where they come to'),
    to: setting(integer(1, MAX_PORT), 'port that they are sent to, where they know another (port)'),
  }),
]);

/** How TLS is spoken. */
export const TlsSchema = v.pipe(
  settings({
    cert: setting(text, 'file of the certificate chain, PEM'),
    key: setting(text, 'file of its private key, PEM'),
    passphrase: setting(text, 'what the key is enciphered with'),
    ocsp: setting(text, 'file of what an OCSP responder said of it, DER: sent to clients that ask (none)'),
    certificates: setting(
      v.array(CertificateSchema),
      'more of them: for other names that they have, or with another kind of key for the same names',
    ),
    selfSigned: setting(
      v.boolean(),
      'makes a certificate for this machine, which nobody else vouches for: to develop with (false)',
    ),
    minVersion: setting(v.picklist(['TLSv1.2', 'TLSv1.3']), 'the oldest version that is spoken (TLSv1.2)'),
    hsts: setting(
      HstsSchema,
      'has browsers ask by HTTPS only (Strict-Transport-Security); true: for a year (false)',
    ),
    redirect: setting(RedirectSchema, 'a port where clients of plain HTTP are sent to HTTPS (none)'),
    ticketKeys: setting(
      text,
      'file of the keys of session tickets, 80 bytes each, the first for new ones: for machines that share ' +
        'them (keys that are made anew every hour)',
    ),
  }),
  v.forward(
    v.check(
      ({ cert, key }) => cert === undefined || key !== undefined,
      'a text is wanted, nothing was given',
    ),
    ['key'],
  ),
  v.forward(
    v.check(
      ({ cert, key }) => key === undefined || cert !== undefined,
      'a text is wanted, nothing was given',
    ),
    ['cert'],
  ),
  v.check(
    ({ cert, certificates = [], selfSigned = false }) =>
      selfSigned !== (cert !== undefined || certificates.length > 0),
    'cert and key, certificates, or selfSigned are wanted; selfSigned by itself',
  ),
);

export type CertificateFiles = v.InferOutput<typeof CertificateSchema>;
export type TlsConfig = v.InferOutput<typeof TlsSchema>;
