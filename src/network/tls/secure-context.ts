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
  TLS_1_3,
} from '../../os/openssl.ts';
import {
  type Certificate,
  type Identity,
  type SecureSettings,
  TICKET_KEY_BYTES,
  type TlsVersion,
} from './secure-settings.ts';
import { ServerNames } from './server-names.ts';
import { tlsCallbacks } from './tls-callbacks.ts';

/**
 * What a server says of itself in handshakes, for all of its connections: certificates by the names that
 * clients ask for, protocols, keys for tickets. TLS 1.2 and 1.3, ciphers as Node.js has them, no
 * renegotiation. Whoever made it closes it.
 */
export class SecureContext {
  /** What is spoken above TLS, what is preferred first: `h2`, `http/1.1`. */
  readonly protocols: readonly string[];
  /** OpenSSL's, one for each identity. */
  readonly #pointers: Pointer[] = [];
  readonly #names: ServerNames<Pointer>;
  /** By certificate, what its authority says of it. */
  readonly #stapled = new Map<Pointer, Uint8Array>();
  #ticketKeys: readonly Uint8Array[] = [];

  /**
   * @throws ERR_IOLITE_ARGUMENT for certificates and keys that are none, or do not belong together;
   *   ERR_IOLITE_UNSUPPORTED
   */
  constructor({ identities, minVersion, ticketKeys }: SecureSettings, protocols: readonly string[]) {
    this.protocols = protocols;
    try {
      this.#names = new ServerNames(
        identities.map(identity => [identity.names, this.#add(identity, minVersion)] as const),
      );
      if (ticketKeys.length > 0) this.setTicketKeys(ticketKeys);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** For a new connection. @throws ERR_IOLITE_CLOSED */
  get pointer(): Pointer {
    const [first] = this.#pointers;
    if (first === undefined)
      throw new IoliteError('ERR_IOLITE_CLOSED', 'Cannot use a secure context: it is closed');
    return first;
  }

  /** @param name that a client asks for @returns undefined where the first identity is right */
  pointerFor(name: string): Pointer | undefined {
    return this.#pointers.length === 0 ? undefined : this.#names.find(name);
  }

  /** What goes with a certificate (RFC 6066, 8). */
  stapledTo(certificate: Pointer): Uint8Array | undefined {
    return this.#stapled.get(certificate);
  }

  /** Of tickets: the first makes new ones, all read. None where OpenSSL has one of its own. */
  get ticketKeys(): readonly Uint8Array[] {
    return this.#ticketKeys;
  }

  /**
   * Exchanges the keys of tickets, for handshakes from now on: see {@link SecureSettings.ticketKeys}.
   * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_CLOSED
   */
  setTicketKeys(keys: readonly string[]): void {
    const decoded = keys.map(key => Buffer.from(key, 'base64'));
    if (decoded.length === 0 || decoded.some(key => key.length !== TICKET_KEY_BYTES)) {
      const lengths = decoded.map(key => key.length).join(', ') || 'none';
      const wanted = `keys of ${TICKET_KEY_BYTES} bytes are wanted, of ${lengths} were given`;
      throw new ArgumentError(`Cannot set keys of tickets: ${wanted}`);
    }
    // The first identity's are asked for, whatever name a client has said.
    openssl().SSL_CTX_set_tlsext_ticket_key_evp_cb(this.pointer, tlsCallbacks().ticketKey);
    this.#ticketKeys = decoded;
  }

  /** Connections that have begun go on; there are no new ones. */
  close(): void {
    for (const pointer of this.#pointers.splice(0)) openssl().SSL_CTX_free(pointer);
    this.#stapled.clear();
  }

  #add({ certificates }: Identity, minVersion: TlsVersion): Pointer {
    const { SSL_CTX_new, TLS_server_method } = openssl();
    const pointer = SSL_CTX_new(TLS_server_method());
    if (pointer === 0) throw new IoliteError('ERR_IOLITE_LIMIT', `Cannot use TLS: ${lastOpensslError()}`);
    this.#pointers.push(pointer);
    configure(pointer, minVersion);
    for (const each of certificates) {
      const own = use(pointer, each);
      if (each.ocsp !== undefined) this.#stapled.set(own, Buffer.from(each.ocsp, 'base64'));
    }
    return pointer;
  }
}

function configure(pointer: Pointer, minVersion: TlsVersion): void {
  const { SSL_CTX_ctrl, SSL_CTX_set_options, SSL_CTX_callback_ctrl, ...calls } = openssl();
  const { chooseProtocol, nameServer, staple } = tlsCallbacks();
  const names = DEFAULT_CIPHERS.split(':');
  const ciphers = names.filter(name => !name.startsWith('TLS_')).join(':');
  const suites = names.filter(name => name.startsWith('TLS_')).join(':');
  const least = minVersion === 'TLSv1.3' ? TLS_1_3 : TLS_1_2;
  const isSet =
    SSL_CTX_ctrl(pointer, SSL_CTRL_SET_MIN_PROTO_VERSION, least, 0) === 1 &&
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

/** @returns the certificate, which lives as long as the context does @throws ERR_IOLITE_ARGUMENT */
function use(pointer: Pointer, { cert, key }: Certificate): Pointer {
  try {
    // Node.js says what is wrong better than OpenSSL does.
    createSecureContext({ cert, key });
  } catch (cause) {
    throw refused((cause as Error).message, cause);
  }
  const own = useChain(pointer, Buffer.from(cert));
  useKey(pointer, Buffer.from(key));
  if (openssl().SSL_CTX_check_private_key(pointer) !== 1) throw refused(lastOpensslError());
  return own;
}

function useChain(pointer: Pointer, pem: Buffer): Pointer {
  const { PEM_read_bio_X509_AUX, PEM_read_bio_X509, X509_free, BIO_free, ERR_clear_error, ...calls } =
    openssl();
  const bio = calls.BIO_new_mem_buf(pem, pem.length);
  try {
    const own = PEM_read_bio_X509_AUX(bio, 0, 0, 0);
    const isUsed = own !== 0 && calls.SSL_CTX_use_certificate(pointer, own) === 1;
    // The context has a reference of its own.
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
    return own;
  } finally {
    BIO_free(bio);
  }
}

function useKey(pointer: Pointer, pem: Buffer): void {
  const { PEM_read_bio_PrivateKey, SSL_CTX_use_PrivateKey, EVP_PKEY_free, BIO_free, BIO_new_mem_buf } =
    openssl();
  const bio = BIO_new_mem_buf(pem, pem.length);
  try {
    // A passphrase, so that OpenSSL never asks for one at a terminal.
    const key = PEM_read_bio_PrivateKey(bio, 0, 0, '');
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
