import { randomFillSync } from 'node:crypto';
import { addressOf } from '../../os/libc.ts';
import { openssl, type Pointer } from '../../os/openssl.ts';
import { TICKET_KEY_BYTES } from './secure-settings.ts';

/** Of the name that goes with a ticket, of the key that signs it, of the one that encrypts it. */
const NAME_BYTES = 16;
const MAC_KEY_BYTES = 32;
const CIPHER_KEY_BYTES = 32;
const IV_BYTES = 16;

/** What OpenSSL asks a key for: addresses of the ticket's name and IV, contexts to be given keys. */
export interface TicketInMaking {
  readonly name: Pointer;
  readonly iv: Pointer;
  readonly cipher: Pointer;
  readonly mac: Pointer;
}

/** What OpenSSL is answered. */
const FAILED = -0x1;
const UNKNOWN = 0x0;
const KNOWN = 0x1;
/** The session goes on, and the client gets a ticket by the newest key. */
const RENEW = 0x2;

const name = Buffer.from(new ArrayBuffer(NAME_BYTES));
const iv = Buffer.from(new ArrayBuffer(IV_BYTES));
const macKey = Buffer.from(new ArrayBuffer(MAC_KEY_BYTES));
/** Three of OpenSSL's OSSL_PARAM of 40 bytes each: key, digest, and the end. */
const PARAMETER_BYTES = 40;
const parameters = Buffer.from(new ArrayBuffer(3 * PARAMETER_BYTES));
const words = Buffer.from(new ArrayBuffer(32));
const OSSL_PARAM_UTF8_STRING = 0x4;
const OSSL_PARAM_OCTET_STRING = 0x5;
const AT = { key: 0, type: 8, data: 16, size: 24, returned: 32 } as const;
const SHA256_AT = 8;
let isLaidOut = false;

/**
 * Gives OpenSSL the key of a ticket: the first one to make it, whichever has its name to read it.
 * @param keys {@link TICKET_KEY_BYTES} each, the current one first, then those before it
 * @returns what OpenSSL wants to hear
 */
export function giveTicketKey(keys: readonly Uint8Array[], ticket: TicketInMaking, isNew: boolean): number {
  const { EVP_EncryptInit_ex, EVP_DecryptInit_ex, EVP_aes_256_cbc, poke, peek } = openssl();
  if (isNew) {
    const [key] = keys;
    if (key === undefined) return FAILED;
    poke(ticket.name, key, NAME_BYTES);
    poke(ticket.iv, randomFillSync(iv), IV_BYTES);
    const cipherKey = copyOfCipherKey(key);
    const isSet = EVP_EncryptInit_ex(ticket.cipher, EVP_aes_256_cbc(), 0, cipherKey, ticket.iv) === 1;
    return isSet && setMacKey(ticket.mac, key) ? KNOWN : FAILED;
  }
  peek(name, ticket.name, NAME_BYTES);
  const index = keys.findIndex(each => name.equals(each.subarray(0, NAME_BYTES)));
  const key = keys[index];
  if (key === undefined) return UNKNOWN;
  const isSet =
    EVP_DecryptInit_ex(ticket.cipher, EVP_aes_256_cbc(), 0, copyOfCipherKey(key), ticket.iv) === 1;
  if (!isSet || !setMacKey(ticket.mac, key)) return FAILED;
  return index === 0 ? KNOWN : RENEW;
}

const cipherKeyBytes = Buffer.from(new ArrayBuffer(CIPHER_KEY_BYTES));

function copyOfCipherKey(key: Uint8Array): Uint8Array {
  cipherKeyBytes.set(key.subarray(NAME_BYTES + MAC_KEY_BYTES, TICKET_KEY_BYTES));
  return cipherKeyBytes;
}

function setMacKey(mac: Pointer, key: Uint8Array): boolean {
  if (!isLaidOut) layOut();
  macKey.set(key.subarray(NAME_BYTES, NAME_BYTES + MAC_KEY_BYTES));
  return openssl().EVP_MAC_CTX_set_params(mac, parameters) === 1;
}

/** An array of struct ossl_param_st: name, type, data, size, returned size. */
function layOut(): void {
  words.write('key\0', 0, 'latin1');
  words.write('digest\0', 16, 'latin1');
  words.write('SHA256\0', SHA256_AT, 'latin1');
  const at = addressOf(words);
  const unmodified = 2n ** 64n - 1n;
  const entries = [
    { name: at, type: OSSL_PARAM_OCTET_STRING, data: addressOf(macKey), size: MAC_KEY_BYTES },
    { name: at + 16n, type: OSSL_PARAM_UTF8_STRING, data: at + BigInt(SHA256_AT), size: 6 },
  ];
  for (const [index, entry] of entries.entries()) {
    const start = index * PARAMETER_BYTES;
    parameters.writeBigUInt64LE(entry.name, start + AT.key);
    parameters.writeUInt32LE(entry.type, start + AT.type);
    parameters.writeBigUInt64LE(entry.data, start + AT.data);
    parameters.writeBigUInt64LE(BigInt(entry.size), start + AT.size);
    parameters.writeBigUInt64LE(unmodified, start + AT.returned);
  }
  isLaidOut = true;
}
