/**
 * OpenSSL as Node.js itself is linked with it, called through koffi: TLS of connections that have no socket
 * of Node's. Its symbols are exported by the program, or by the library that it is linked with.
 *
 * Whoever has a {@link Pointer} gives it back once, and never uses it afterwards: each lives in one class.
 */

import type koffi from 'koffi';
import { IoliteError } from '../base/error.ts';
import { loadKoffi } from './addon/koffi.ts';
import { type Address, unsupportedReason } from './libc.ts';
import { enterNative, leaveNative } from './thread/termination.ts';

/** An object of OpenSSL's; 0 for none. */
export type Pointer = number;

/** The calls we use, by OpenSSL's names; where one has two forms of arguments, the second has one of ours. */
export interface OpenSsl {
  OpenSSL_version_num(): number;
  TLS_server_method(): Pointer;
  SSL_CTX_new(method: Pointer): Pointer;
  SSL_CTX_free(context: Pointer): void;
  SSL_CTX_ctrl(context: Pointer, command: number, number: number, argument: Pointer): number;
  SSL_CTX_set_options(context: Pointer, options: number): number;
  SSL_CTX_set_cipher_list(context: Pointer, names: string): number;
  SSL_CTX_set_ciphersuites(context: Pointer, names: string): number;
  SSL_CTX_use_certificate(context: Pointer, certificate: Pointer): number;
  SSL_CTX_use_PrivateKey(context: Pointer, key: Pointer): number;
  SSL_CTX_check_private_key(context: Pointer): number;
  SSL_CTX_set_alpn_select_cb(context: Pointer, callback: Pointer, argument: Pointer): void;
  SSL_CTX_callback_ctrl(context: Pointer, command: number, callback: Pointer): number;
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context: Pointer, callback: Pointer): number;
  BIO_new_mem_buf(bytes: Uint8Array, length: number): Pointer;
  BIO_free(bio: Pointer): number;
  PEM_read_bio_X509_AUX(bio: Pointer, into: Pointer, callback: Pointer, argument: Pointer): Pointer;
  PEM_read_bio_X509(bio: Pointer, into: Pointer, callback: Pointer, argument: Pointer): Pointer;
  PEM_read_bio_PrivateKey(bio: Pointer, into: Pointer, callback: Pointer, phrase: string): Pointer;
  X509_free(certificate: Pointer): void;
  EVP_PKEY_free(key: Pointer): void;
  SSL_new(context: Pointer): Pointer;
  SSL_free(ssl: Pointer): void;
  SSL_ctrl(ssl: Pointer, command: number, number: number, argument: Pointer): number;
  SSL_set_bio(ssl: Pointer, read: Pointer, write: Pointer): void;
  SSL_set_accept_state(ssl: Pointer): void;
  SSL_set_SSL_CTX(ssl: Pointer, context: Pointer): Pointer;
  SSL_do_handshake(ssl: Pointer): number;
  SSL_read(ssl: Pointer, into: Address, length: number): number;
  SSL_write(ssl: Pointer, from: Address, length: number): number;
  SSL_shutdown(ssl: Pointer): number;
  SSL_get_error(ssl: Pointer, result: number): number;
  SSL_get_certificate(ssl: Pointer): Pointer;
  SSL_get_servername(ssl: Pointer, kind: number): string | null;
  SSL_get_version(ssl: Pointer): string;
  SSL_session_reused(ssl: Pointer): number;
  BIO_new_bio_pair(one: BigUint64Array, room: number, other: BigUint64Array, otherRoom: number): number;
  BIO_up_ref(bio: Pointer): number;
  BIO_write(bio: Pointer, from: Address, length: number): number;
  BIO_read(bio: Pointer, into: Uint8Array, length: number): number;
  BIO_nread(bio: Pointer, address: Uint32Array, length: number): number;
  BIO_ctrl_pending(bio: Pointer): number;
  CRYPTO_malloc(size: number, file: null, line: number): Address;
  EVP_aes_256_cbc(): Pointer;
  EVP_EncryptInit_ex(
    context: Pointer,
    cipher: Pointer,
    engine: Pointer,
    key: Uint8Array,
    iv: Address,
  ): number;
  EVP_DecryptInit_ex(
    context: Pointer,
    cipher: Pointer,
    engine: Pointer,
    key: Uint8Array,
    iv: Address,
  ): number;
  EVP_MAC_CTX_set_params(context: Pointer, parameters: Uint8Array): number;
  ERR_clear_error(): void;
  ERR_get_error(): number;
  ERR_error_string_n(error: number, into: Uint8Array, length: number): void;
  /** memcpy(3), to memory of OpenSSL's. */
  poke(to: Address, from: Uint8Array, length: number): Address;
  /** memcpy(3), from memory of OpenSSL's. */
  peek(to: Uint8Array, from: Address, length: number): Address;
}

const P = 'intptr';
const BYTES = 'void*';

const PROTOTYPES: Record<keyof OpenSsl, [symbol: string | undefined, result: string, parameters: string[]]> =
  {
    OpenSSL_version_num: [undefined, 'ulong', []],
    TLS_server_method: [undefined, P, []],
    SSL_CTX_new: [undefined, P, [P]],
    SSL_CTX_free: [undefined, 'void', [P]],
    SSL_CTX_ctrl: [undefined, 'long', [P, 'int', 'long', P]],
    SSL_CTX_set_options: [undefined, 'uint64', [P, 'uint64']],
    SSL_CTX_set_cipher_list: [undefined, 'int', [P, 'str']],
    SSL_CTX_set_ciphersuites: [undefined, 'int', [P, 'str']],
    SSL_CTX_use_certificate: [undefined, 'int', [P, P]],
    SSL_CTX_use_PrivateKey: [undefined, 'int', [P, P]],
    SSL_CTX_check_private_key: [undefined, 'int', [P]],
    SSL_CTX_set_alpn_select_cb: [undefined, 'void', [P, P, P]],
    SSL_CTX_callback_ctrl: [undefined, 'long', [P, 'int', P]],
    SSL_CTX_set_tlsext_ticket_key_evp_cb: [undefined, 'int', [P, P]],
    BIO_new_mem_buf: [undefined, P, [BYTES, 'int']],
    BIO_free: [undefined, 'int', [P]],
    PEM_read_bio_X509_AUX: [undefined, P, [P, P, P, P]],
    PEM_read_bio_X509: [undefined, P, [P, P, P, P]],
    PEM_read_bio_PrivateKey: [undefined, P, [P, P, P, 'str']],
    X509_free: [undefined, 'void', [P]],
    EVP_PKEY_free: [undefined, 'void', [P]],
    SSL_new: [undefined, P, [P]],
    SSL_free: [undefined, 'void', [P]],
    SSL_ctrl: [undefined, 'long', [P, 'int', 'long', P]],
    SSL_set_bio: [undefined, 'void', [P, P, P]],
    SSL_set_accept_state: [undefined, 'void', [P]],
    SSL_set_SSL_CTX: [undefined, P, [P, P]],
    SSL_do_handshake: [undefined, 'int', [P]],
    SSL_read: [undefined, 'int', [P, P, 'int']],
    SSL_write: [undefined, 'int', [P, P, 'int']],
    SSL_shutdown: [undefined, 'int', [P]],
    SSL_get_error: [undefined, 'int', [P, 'int']],
    SSL_get_certificate: [undefined, P, [P]],
    SSL_get_servername: [undefined, 'str', [P, 'int']],
    SSL_get_version: [undefined, 'str', [P]],
    SSL_session_reused: [undefined, 'int', [P]],
    BIO_new_bio_pair: [undefined, 'int', [BYTES, 'size_t', BYTES, 'size_t']],
    BIO_up_ref: [undefined, 'int', [P]],
    BIO_write: [undefined, 'int', [P, P, 'int']],
    BIO_read: [undefined, 'int', [P, BYTES, 'int']],
    BIO_nread: [undefined, 'int', [P, BYTES, 'int']],
    BIO_ctrl_pending: [undefined, 'size_t', [P]],
    CRYPTO_malloc: [undefined, P, ['size_t', BYTES, 'int']],
    EVP_aes_256_cbc: [undefined, P, []],
    EVP_EncryptInit_ex: [undefined, 'int', [P, P, P, BYTES, P]],
    EVP_DecryptInit_ex: [undefined, 'int', [P, P, P, BYTES, P]],
    EVP_MAC_CTX_set_params: [undefined, 'int', [P, BYTES]],
    ERR_clear_error: [undefined, 'void', []],
    ERR_get_error: [undefined, 'ulong', []],
    ERR_error_string_n: [undefined, 'void', ['ulong', BYTES, 'size_t']],
    poke: ['memcpy', P, [P, BYTES, 'size_t']],
    peek: ['memcpy', P, [BYTES, P, 'size_t']],
  };

/** A function of ours that OpenSSL calls, with numbers for pointers, within a call of ours. */
export type Callback = (...parameters: number[]) => number;

interface Loaded {
  readonly koffi: typeof koffi;
  readonly calls: OpenSsl;
}

let loaded: Loaded | IoliteError | undefined;

function load(): Loaded | IoliteError {
  const missing = unsupportedReason();
  if (missing !== undefined) return missing;
  enterNative();
  try {
    const library = loadKoffi();
    const self = library.load(null);
    const entries = Object.entries(PROTOTYPES).map(([name, [symbol = name, result, parameters]]) => [
      name,
      self.func(symbol, result, parameters),
    ]);
    const calls = Object.fromEntries(entries) as OpenSsl;
    const { openssl = '' } = process.versions;
    // The numbers below are those of OpenSSL 3, and no copy is safe but the one that comes with Node.
    if (!/^3\./.test(openssl) || versionOf(calls.OpenSSL_version_num()) !== openssl.split(/[+-]/)[0])
      return unsupported(`Node.js runs on ${openssl || 'none'}, OpenSSL 3 is needed`);
    return { koffi: library, calls };
  } catch (cause) {
    return unsupported('its functions could not be loaded through koffi', cause);
  } finally {
    leaveNative();
  }
}

/** @param number as OpenSSL has it: 0xMNN00PP0 */
function versionOf(number: number): string {
  return `${number >>> 28}.${(number >>> 20) & 0xff}.${(number >>> 4) & 0xff}`;
}

function unsupported(why: string, cause?: unknown): IoliteError {
  const options = cause === undefined ? undefined : { cause };
  return new IoliteError('ERR_IOLITE_UNSUPPORTED', `Cannot use OpenSSL: ${why}`, options);
}

function need(): Loaded {
  loaded ??= load();
  if (loaded instanceof IoliteError) throw loaded;
  return loaded;
}

/** Why OpenSSL cannot be called here, or undefined where it can. */
export function opensslUnsupported(): IoliteError | undefined {
  loaded ??= load();
  return loaded instanceof IoliteError ? loaded : undefined;
}

/** The calls themselves. @throws ERR_IOLITE_UNSUPPORTED */
export function openssl(): OpenSsl {
  return need().calls;
}

/**
 * Makes a function callable for OpenSSL, for good: there are few of them, made once. What it throws never
 * reaches OpenSSL.
 * @param parameters how many of them, each a pointer or a number
 * @param failed what it returns when it throws
 */
export function callbackOf(callback: Callback, parameters: number, failed: number): Pointer {
  const { koffi: library } = need();
  const guarded: Callback = (...given) => {
    try {
      return callback(...given);
    } catch {
      return failed;
    }
  };
  enterNative();
  try {
    const names = Array.from({ length: parameters }, () => P);
    const prototype = library.proto('int', names);
    return Number(library.register(guarded, library.pointer(prototype)));
  } finally {
    leaveNative();
  }
}

const text = Buffer.alloc(256);

/** What the last call that failed left in this thread's queue of errors, the first of them; the rest goes. */
export function lastOpensslError(): string {
  const { ERR_get_error, ERR_error_string_n, ERR_clear_error } = openssl();
  const error = ERR_get_error();
  ERR_clear_error();
  if (error === 0) return 'no reason given';
  ERR_error_string_n(error, text, text.length);
  const said = text.toString('latin1', 0, text.indexOf(0));
  return said.split(':').slice(4).join(':') || said;
}

/** Numbers of OpenSSL 3, which its functions take. */
export const SSL_ERROR_WANT_READ = 0x2;
export const SSL_ERROR_ZERO_RETURN = 0x6;
export const SSL_CTRL_MODE = 0x21;
export const SSL_CTRL_SET_SESS_CACHE_MODE = 0x2c;
export const SSL_CTRL_SET_TLSEXT_SERVERNAME_CB = 0x35;
export const SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB = 0x3f;
export const SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP = 0x47;
export const SSL_CTRL_CHAIN_CERT = 0x59;
export const SSL_CTRL_SET_MIN_PROTO_VERSION = 0x7b;
export const SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER = 0x2;
export const SSL_MODE_RELEASE_BUFFERS = 0x10;
export const SSL_OP_NO_COMPRESSION = 0x2_0000;
export const SSL_OP_CIPHER_SERVER_PREFERENCE = 0x40_0000;
export const SSL_OP_NO_RENEGOTIATION = 0x4000_0000;
export const SSL_TLSEXT_ERR_OK = 0x0;
export const SSL_TLSEXT_ERR_ALERT_FATAL = 0x2;
export const SSL_TLSEXT_ERR_NOACK = 0x3;
export const TLS_1_2 = 0x303;
export const TLS_1_3 = 0x304;
