import { createSecureContext, DEFAULT_CIPHERS } from 'node:tls';
import { ArgumentError, IoliteError } from '../../base/error.ts';
import {
  lastOpensslError,
  openssl,
  type Pointer,
  SSL_CTRL_CHAIN_CERT,
  SSL_CTRL_MODE,
  SSL_CTRL_SET_MIN_PROTO_VERSION,
  SSL_CTRL_SET_SESS_CACHE_MODE,
  SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
  SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB,
  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER,
  SSL_MODE_RELEASE_BUFFERS,
  SSL_OP_CIPHER_SERVER_PREFERENCE,
  SSL_OP_NO_COMPRESSION,
  SSL_OP_NO_RENEGOTIATION,
  TLS_1_2,
} from '../../os/openssl.ts';
import { TICKET_KEY_BYTES } from './ticket-keys.ts';
import { tlsCallbacks } from './tls-callbacks.ts';

/** A certificate with those that vouch for it, and its private key, as PEM. */
export interface TlsCertificate {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** Of a key that is encrypted. */
  readonly passphrase?: string | undefined;
}

/** Certificates for some names. */
export interface TlsIdentity {
  /** One of each kind: of RSA, and of ECDSA for clients that know it, who are most. */
  readonly certificates: readonly TlsCertificate[];
  /**
   * Who gets them: `example.org`, or `*.example.org` for the names one level below. Default: who names none
   * of the others.
   */
  readonly names?: readonly string[] | undefined;
  /** What the authority says of the certificate (OCSP, DER). */
  readonly stapled?: Uint8Array | undefined;
}

export interface SecureContextOptions {
  /** The first of them is for clients that name no other's names. */
  readonly identities: readonly TlsIdentity[];
  /** What is spoken above TLS, what is preferred first: `h2`, `http/1.1`. */
  readonly protocols: readonly string[];
  /**
   * Keys for the tickets that clients come back with, {@link TICKET_KEY_BYTES} each: the first for new ones,
   * the others for those that were made before. Default: a key of its own.
   */
  readonly ticketKeys?: readonly Uint8Array[] | undefined;
}

/** What an identity is in OpenSSL. */
interface Contexts {
  readonly pointer: Pointer;
  readonly stapled: Uint8Array | undefined;
}

/**
 * What a server says of itself in handshakes, for all of its connections: certificates, protocols, keys for
 * tickets. TLS 1.2 and 1.3, ciphers as Node.js has them, no renegotiation.
 */
export class SecureContext {
  readonly protocols: readonly string[];
  readonly #contexts: Contexts[] = [];
  readonly #byName = new Map<string, Contexts>();
  #ticketKeys: readonly Uint8Array[] = [];
  #isClosed = false;

  /**
   * @throws ERR_IOLITE_ARGUMENT for certificates and keys that are none, or do not belong together;
   *   ERR_IOLITE_UNSUPPORTED
   */
  constructor({ identities, protocols, ticketKeys }: SecureContextOptions) {
    if (identities.length === 0)
      throw new ArgumentError('Cannot make a secure context: a certificate is wanted, none was given');
    this.protocols = protocols;
    try {
      for (const identity of identities) this.#add(identity);
      if (ticketKeys !== undefined) this.setTicketKeys(ticketKeys);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** For a new connection. @throws ERR_IOLITE_CLOSED */
  get pointer(): Pointer {
    return this.#first().pointer;
  }

  /** What goes with the certificates of a name, or of the first identity. */
  stapledFor(name: string | undefined): Uint8Array | undefined {
    return (this.#find(name) ?? this.#first()).stapled;
  }

  /** @returns undefined where the first identity is right */
  pointerFor(name: string): Pointer | undefined {
    return this.#find(name)?.pointer;
  }

  /** See {@link SecureContextOptions.ticketKeys}. */
  get ticketKeys(): readonly Uint8Array[] {
    return this.#ticketKeys;
  }

  /**
   * Exchanges the keys for tickets, for handshakes from now on: see {@link SecureContextOptions.ticketKeys}.
   * @throws ERR_IOLITE_ARGUMENT
   */
  setTicketKeys(keys: readonly Uint8Array[]): void {
    if (keys.length === 0 || keys.some(key => key.length !== TICKET_KEY_BYTES)) {
      const lengths = keys.map(key => key.length).join(', ') || 'none';
      const wanted = `keys of ${TICKET_KEY_BYTES} bytes are wanted, of ${lengths} were given`;
      throw new ArgumentError(`Cannot set keys for tickets: ${wanted}`);
    }
    // Those of the first are asked, whatever name a client has said.
    const { SSL_CTX_set_tlsext_ticket_key_evp_cb } = openssl();
    if (this.#ticketKeys.length === 0)
      SSL_CTX_set_tlsext_ticket_key_evp_cb(this.pointer, tlsCallbacks().ticketKey);
    this.#ticketKeys = keys.map(key => Uint8Array.from(key));
  }

  /** Connections that have begun go on; there are no new ones. */
  close(): void {
    this.#isClosed = true;
    for (const { pointer } of this.#contexts.splice(0)) openssl().SSL_CTX_free(pointer);
    this.#byName.clear();
  }

  #first(): Contexts {
    const [first] = this.#contexts;
    if (first === undefined || this.#isClosed)
      throw new IoliteError('ERR_IOLITE_CLOSED', 'Cannot use a secure context: it is closed');
    return first;
  }

  #find(name: string | undefined): Contexts | undefined {
    if (name === undefined) return undefined;
    const dot = name.indexOf('.');
    return this.#byName.get(name) ?? (dot > 0 ? this.#byName.get(`*${name.slice(dot)}`) : undefined);
  }

  #add({ certificates, names = [], stapled }: TlsIdentity): void {
    const { SSL_CTX_new, TLS_server_method } = openssl();
    const pointer = SSL_CTX_new(TLS_server_method());
    if (pointer === 0) throw new IoliteError('ERR_IOLITE_LIMIT', `Cannot use TLS: ${lastOpensslError()}`);
    const contexts = { pointer, stapled };
    this.#contexts.push(contexts);
    configure(pointer);
    for (const certificate of certificates) use(pointer, certificate);
    for (const name of names) this.#byName.set(name.toLowerCase(), contexts);
  }
}

function configure(pointer: Pointer): void {
  const { SSL_CTX_ctrl, SSL_CTX_set_options, SSL_CTX_callback_ctrl, ...calls } = openssl();
  const { chooseProtocol, nameServer, staple } = tlsCallbacks();
  const names = DEFAULT_CIPHERS.split(':');
  const ciphers = names.filter(name => !name.startsWith('TLS_')).join(':');
  const suites = names.filter(name => name.startsWith('TLS_')).join(':');
  const isSet =
    SSL_CTX_ctrl(pointer, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS_1_2, 0) === 1 &&
    calls.SSL_CTX_set_cipher_list(pointer, ciphers) === 1 &&
    (suites === '' || calls.SSL_CTX_set_ciphersuites(pointer, suites) === 1);
  if (!isSet) throw new IoliteError('ERR_IOLITE_UNSUPPORTED', `Cannot use TLS: ${lastOpensslError()}`);
  const never = SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION;
  SSL_CTX_set_options(pointer, never | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_ctrl(pointer, SSL_CTRL_MODE, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS, 0);
  // Tickets are all that remembers a client: no other process would know more.
  SSL_CTX_ctrl(pointer, SSL_CTRL_SET_SESS_CACHE_MODE, 0, 0);
  calls.SSL_CTX_set_alpn_select_cb(pointer, chooseProtocol, 0);
  SSL_CTX_callback_ctrl(pointer, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, nameServer);
  SSL_CTX_callback_ctrl(pointer, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB, staple);
}

/** @throws ERR_IOLITE_ARGUMENT */
function use(pointer: Pointer, { cert, key, passphrase }: TlsCertificate): void {
  try {
    createSecureContext({ cert, key, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (cause) {
    throw refused((cause as Error).message, cause);
  }
  useChain(pointer, Buffer.from(cert));
  useKey(pointer, Buffer.from(key), passphrase ?? '');
  if (openssl().SSL_CTX_check_private_key(pointer) !== 1) throw refused(lastOpensslError());
}

function useChain(pointer: Pointer, pem: Buffer): void {
  const { PEM_read_bio_X509_AUX, PEM_read_bio_X509, X509_free, BIO_free, ERR_clear_error, ...calls } =
    openssl();
  const bio = calls.BIO_new_mem_buf(pem, pem.length);
  try {
    const own = PEM_read_bio_X509_AUX(bio, 0, 0, 0);
    const isUsed = own !== 0 && calls.SSL_CTX_use_certificate(pointer, own) === 1;
    if (own !== 0) X509_free(own);
    if (!isUsed) throw refused(lastOpensslError());
    for (;;) {
      const next = PEM_read_bio_X509(bio, 0, 0, 0);
      if (next === 0) break;
      const isAdded = calls.SSL_CTX_ctrl(pointer, SSL_CTRL_CHAIN_CERT, 1, next) === 1;
      X509_free(next);
      if (!isAdded) throw refused(lastOpensslError());
    }
    // That there is no more was an error.
    ERR_clear_error();
  } finally {
    BIO_free(bio);
  }
}

function useKey(pointer: Pointer, pem: Buffer, passphrase: string): void {
  const { PEM_read_bio_PrivateKey, SSL_CTX_use_PrivateKey, EVP_PKEY_free, BIO_free, BIO_new_mem_buf } =
    openssl();
  const bio = BIO_new_mem_buf(pem, pem.length);
  try {
    const key = PEM_read_bio_PrivateKey(bio, 0, 0, passphrase);
    const isUsed = key !== 0 && SSL_CTX_use_PrivateKey(pointer, key) === 1;
    if (key !== 0) EVP_PKEY_free(key);
    if (!isUsed) throw refused(lastOpensslError());
  } finally {
    BIO_free(bio);
  }
}

function refused(why: string, cause?: unknown): ArgumentError {
  const wanted = 'a certificate and its private key are wanted as PEM';
  const error = new ArgumentError(`Cannot use TLS: ${wanted}, what was given is refused: ${why}`);
  if (cause !== undefined) error.cause = cause;
  return error;
}
