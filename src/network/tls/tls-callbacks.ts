import { addressOf } from '../../os/libc.ts';
import {
  callbackOf,
  openssl,
  type Pointer,
  SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP,
  SSL_TLSEXT_ERR_ALERT_FATAL,
  SSL_TLSEXT_ERR_NOACK,
  SSL_TLSEXT_ERR_OK,
} from '../../os/openssl.ts';
import { enterNative, leaveNative } from '../../os/thread/termination.ts';
import { giveTicketKey } from './ticket-keys.ts';

/** What a connection in its handshake is asked. */
export interface Greeted {
  /** The client names a server. @returns whose certificates it gets instead; undefined: those it would get */
  named(name: string): Pointer | undefined;
  /** @param offered by the client @returns the one that is spoken; undefined for none of them */
  choose(offered: readonly string[]): string | undefined;
  /** What the authority says of the certificate that the client gets, to be stapled to it (RFC 6066, 8). */
  stapledTo(certificate: Pointer): Uint8Array | undefined;
  /** For tickets that are made and come back. */
  readonly ticketKeys: readonly Uint8Array[];
}

/** OpenSSL calls only within a call of ours, about the connection that this was made for. */
let greeted: Greeted | undefined;

/** Goes on with a handshake, in which OpenSSL may ask. @returns what SSL_do_handshake() does */
export function shakeHands(ssl: Pointer, who: Greeted): number {
  const { SSL_do_handshake } = openssl();
  greeted = who;
  enterNative();
  try {
    return SSL_do_handshake(ssl);
  } finally {
    leaveNative();
    greeted = undefined;
  }
}

const HOST_NAME = 0x0;
const MAX_PROTOCOLS_BYTES = 4096;

/** What is chosen stays where OpenSSL is told that it lies until it has copied it. */
const chosenBytes = Buffer.from(new ArrayBuffer(256));
const pointerBytes = Buffer.from(new ArrayBuffer(8));

function chooseProtocol(_ssl: number, out: number, outLength: number, list: number, length: number): number {
  if (greeted === undefined || length > MAX_PROTOCOLS_BYTES) return SSL_TLSEXT_ERR_NOACK;
  const { peek, poke } = openssl();
  const bytes = Buffer.from(new ArrayBuffer(length));
  peek(bytes, list, length);
  const offered: string[] = [];
  for (let at = 0; at < length; at += 1 + (bytes[at] as number))
    offered.push(bytes.toString('latin1', at + 1, Math.min(length, at + 1 + (bytes[at] as number))));
  const chosen = greeted.choose(offered);
  if (chosen === undefined) return SSL_TLSEXT_ERR_ALERT_FATAL;
  chosenBytes[0] = chosenBytes.write(chosen, 1, 'latin1');
  pointerBytes.writeBigUInt64LE(addressOf(chosenBytes) + 1n);
  poke(out, pointerBytes, 8);
  poke(outLength, chosenBytes, 1);
  return SSL_TLSEXT_ERR_OK;
}

function nameServer(ssl: number): number {
  const { SSL_get_servername, SSL_set_SSL_CTX } = openssl();
  const name = SSL_get_servername(ssl, HOST_NAME);
  if (greeted === undefined || name === null) return SSL_TLSEXT_ERR_NOACK;
  const context = greeted.named(name.toLowerCase());
  if (context !== undefined) SSL_set_SSL_CTX(ssl, context);
  return SSL_TLSEXT_ERR_OK;
}

function staple(ssl: number): number {
  const { CRYPTO_malloc, SSL_ctrl, SSL_get_certificate, poke } = openssl();
  const stapled = greeted?.stapledTo(SSL_get_certificate(ssl));
  if (stapled === undefined || stapled.length === 0) return SSL_TLSEXT_ERR_NOACK;
  // It is OpenSSL's to free, with the connection.
  const memory = CRYPTO_malloc(stapled.length, null, 0);
  if (memory === 0) return SSL_TLSEXT_ERR_NOACK;
  poke(memory, stapled, stapled.length);
  SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, stapled.length, memory);
  return SSL_TLSEXT_ERR_OK;
}

function ticketKey(
  _ssl: number,
  name: number,
  iv: number,
  cipher: number,
  mac: number,
  make: number,
): number {
  return greeted === undefined
    ? -1
    : giveTicketKey(greeted.ticketKeys, { name, iv, cipher, mac }, make === 1);
}

/** Addresses of what OpenSSL calls. */
export interface TlsCallbacks {
  readonly chooseProtocol: Pointer;
  readonly nameServer: Pointer;
  readonly staple: Pointer;
  readonly ticketKey: Pointer;
}

let callbacks: TlsCallbacks | undefined;

/** Made once for all contexts. @throws ERR_IOLITE_UNSUPPORTED */
export function tlsCallbacks(): TlsCallbacks {
  callbacks ??= {
    chooseProtocol: callbackOf(chooseProtocol, 6, SSL_TLSEXT_ERR_ALERT_FATAL),
    nameServer: callbackOf(nameServer, 3, SSL_TLSEXT_ERR_NOACK),
    staple: callbackOf(staple, 2, SSL_TLSEXT_ERR_NOACK),
    ticketKey: callbackOf(ticketKey, 6, -1),
  };
  return callbacks;
}
