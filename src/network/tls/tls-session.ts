import { IoliteError } from '../../base/error.ts';
import type { Address } from '../../os/libc.ts';
import {
  lastOpensslError,
  openssl,
  type Pointer,
  SSL_ERROR_WANT_READ,
  SSL_ERROR_ZERO_RETURN,
} from '../../os/openssl.ts';
import type { CipherRing } from './cipher-ring.ts';
import type { SecureContext } from './secure-context.ts';
import { type Greeted, shakeHands } from './tls-callbacks.ts';

/** Nothing more can be decrypted of what came. */
export const MORE_NEEDED = 0x0;
/** The peer has said that it sends nothing more. */
export const PEER_CLOSED = -0x1;
/** What came is no TLS, or was changed on its way. There is nothing left to be done. */
export const BROKEN = -0x2;

/**
 * TLS on one connection: OpenSSL's object for it, which is freed by {@link free}, and used by nobody
 * afterwards. What it reads and writes goes through the ring, which whoever calls has entered.
 */
export class TlsSession implements Greeted {
  readonly #context: SecureContext;
  #ssl: Pointer;
  /** Whether there is nothing to be written any more, not even that. */
  #isBroken = false;
  /** What is spoken above: undefined where the client has not asked for any. */
  protocol: string | undefined;
  /** The name by which the client calls us. */
  serverName: string | undefined;

  /** @throws ERR_IOLITE_LIMIT, ERR_IOLITE_CLOSED of the context */
  constructor(context: SecureContext, ring: CipherRing) {
    const { SSL_new, SSL_set_bio, SSL_set_accept_state } = openssl();
    this.#context = context;
    this.#ssl = SSL_new(context.pointer);
    if (this.#ssl === 0) throw new IoliteError('ERR_IOLITE_LIMIT', `Cannot use TLS: ${lastOpensslError()}`);
    // One reference for both directions, which goes with it.
    const end = ring.share();
    SSL_set_bio(this.#ssl, end, end);
    SSL_set_accept_state(this.#ssl);
  }

  /** @returns whether the handshake is done; undefined: it has failed */
  handshake(): boolean | undefined {
    const { ERR_clear_error, SSL_get_error } = openssl();
    ERR_clear_error();
    const result = shakeHands(this.#living(), this);
    if (result === 1) return true;
    if (SSL_get_error(this.#ssl, result) === SSL_ERROR_WANT_READ) return false;
    this.#break();
    return undefined;
  }

  /**
   * Decrypts what came, one record of up to 16 KiB at most.
   * @param room 16 KiB or more
   * @returns how many bytes, or {@link MORE_NEEDED}, {@link PEER_CLOSED}, {@link BROKEN}
   */
  read(into: Address, room: number): number {
    const { SSL_read, SSL_get_error } = openssl();
    const ssl = this.#living();
    if (this.#isBroken) return BROKEN;
    const count = SSL_read(ssl, into, room);
    if (count > 0) return count;
    const why = SSL_get_error(ssl, count);
    if (why === SSL_ERROR_WANT_READ) return MORE_NEEDED;
    if (why === SSL_ERROR_ZERO_RETURN) return PEER_CLOSED;
    this.#break();
    return BROKEN;
  }

  /** Before reads: errors that others have left in this thread are none of this session's. */
  begin(): void {
    openssl().ERR_clear_error();
  }

  /**
   * Encrypts bytes, in records of 16 KiB and what is left.
   * @returns whether it did: it does unless the ring is full, or something has failed before
   */
  write(from: Address, length: number): boolean {
    const ssl = this.#living();
    if (this.#isBroken) return false;
    if (openssl().SSL_write(ssl, from, length) === length) return true;
    this.#break();
    return false;
  }

  /** Says that nothing more is sent. */
  close(): void {
    if (this.#isBroken) return;
    const { SSL_shutdown, ERR_clear_error } = openssl();
    SSL_shutdown(this.#living());
    ERR_clear_error();
  }

  /** The version of TLS that is spoken. */
  get version(): string {
    return openssl().SSL_get_version(this.#living());
  }

  /** Whether the client has come back with a ticket. */
  get isResumed(): boolean {
    return openssl().SSL_session_reused(this.#living()) === 1;
  }

  get isFree(): boolean {
    return this.#ssl === 0;
  }

  /** Gives back all of it. Harmless when it was done before. */
  free(): void {
    const ssl = this.#ssl;
    if (ssl === 0) return;
    this.#ssl = 0;
    openssl().SSL_free(ssl);
  }

  // What OpenSSL asks in the handshake

  named(name: string): Pointer | undefined {
    this.serverName = name;
    return this.#context.pointerFor(name);
  }

  choose(offered: readonly string[]): string | undefined {
    this.protocol = this.#context.protocols.find(each => offered.includes(each));
    return this.protocol;
  }

  stapledTo(certificate: Pointer): Uint8Array | undefined {
    return this.#context.stapledTo(certificate);
  }

  get ticketKeys(): readonly Uint8Array[] {
    return this.#context.ticketKeys;
  }

  /** @throws ERR_IOLITE_CLOSED */
  #living(): Pointer {
    if (this.#ssl === 0)
      throw new IoliteError('ERR_IOLITE_CLOSED', 'Cannot use a connection of TLS: it is closed');
    return this.#ssl;
  }

  #break(): void {
    this.#isBroken = true;
    openssl().ERR_clear_error();
  }
}
