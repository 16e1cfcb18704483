/**
 * What a server needs to speak TLS, as plain data that can be sent to another process. Files were read, keys
 * deciphered, and all was checked by whoever made it: see certificates.ts.
 */
export interface SecureSettings {
  /** Whom the server can say it is. The first is who it is to clients that name nobody, or nobody known. */
  readonly identities: readonly [Identity, ...Identity[]];
  /** The oldest version that is spoken. */
  readonly minVersion: TlsVersion;
  /**
   * Keys of session tickets, {@link TICKET_KEY_BYTES} each, in base64. The first enciphers new ones, all
   * decipher. None: the context makes one of its own.
   */
  readonly ticketKeys: readonly string[];
}

/** Who a server is to clients that ask for some names (SNI: RFC 6066, 3). */
export interface Identity {
  /** In lower case; '*.example.com' stands for all below it. See ServerNames. */
  readonly names: readonly string[];
  /** One of each kind of key: the client takes which it can check. */
  readonly certificates: readonly [Certificate, ...Certificate[]];
}

/** A certificate that can be used. */
export interface Certificate {
  /** The chain, the server's own first, PEM. */
  readonly cert: string;
  /** Its private key, PEM, not enciphered. */
  readonly key: string;
  /** What an OCSP responder said of it, DER in base64 (RFC 6066, 8). */
  readonly ocsp?: string | undefined;
}

/** Versions of TLS that are spoken. */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** Name, key of the HMAC (SHA-256), key of the cipher (AES-256-CBC), as nginx has them in its files. */
export const TICKET_KEY_BYTES = 80;
