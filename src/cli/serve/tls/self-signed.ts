import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import { hostname } from 'node:os';
import {
  bitString,
  boolean,
  explicit,
  implicit,
  objectIdentifier,
  octetString,
  sequence,
  set,
  unsigned,
  utcTime,
  utf8String,
} from './der.ts';

const DAY_MS = 24 * 3600 * 1000;
const VALID_DAYS = 30;
/** Clocks differ. */
const BEFORE_MS = 3600 * 1000;

const ECDSA_WITH_SHA256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
const COMMON_NAME = objectIdentifier('2.5.4.3');
const BASIC_CONSTRAINTS = objectIdentifier('2.5.29.19');
const SUBJECT_ALT_NAME = objectIdentifier('2.5.29.17');
const EXTENDED_KEY_USAGE = objectIdentifier('2.5.29.37');
const SERVER_AUTH = objectIdentifier('1.3.6.1.5.5.7.3.1');
/** Kinds of GeneralName (RFC 5280, 4.2.1.6). */
const DNS_NAME = 0x2;
const IP_ADDRESS = 0x7;

/**
 * A certificate that vouches for itself, with its key (ECDSA, P-256), for 30 days (RFC 5280): for those who
 * develop, and who tell their clients to trust it.
 * @param names default: what this machine is called by itself
 * @param from milliseconds since 1970
 * @returns PEM
 */
export function selfSigned(
  names: readonly string[] = ['localhost', '127.0.0.1', '::1', hostname()],
  from = Date.now(),
): { readonly cert: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const name = sequence(set(sequence(COMMON_NAME, utf8String('iolite, for development'))));
  const validity = [new Date(from - BEFORE_MS), new Date(from + VALID_DAYS * DAY_MS)].map(utcTime);
  const body = sequence(
    explicit(0, unsigned(Buffer.from([2]))), // The third version.
    unsigned(randomBytes(16)),
    ECDSA_WITH_SHA256,
    name,
    sequence(...validity),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions([...new Set(names)]))),
  );
  const certificate = sequence(body, ECDSA_WITH_SHA256, bitString(sign('sha256', body, privateKey)));
  const lines = certificate.toString('base64').replace(/.{1,64}/g, '$&\n');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function extensions(names: readonly string[]): Buffer[] {
  const alternatives = names.map(name =>
    isIP(name) === 0 ? implicit(DNS_NAME, Buffer.from(name)) : implicit(IP_ADDRESS, addressBytes(name)),
  );
  return [
    // Whoever is to trust it can be given it as an authority.
    sequence(BASIC_CONSTRAINTS, boolean(true), octetString(sequence(boolean(true)))),
    sequence(SUBJECT_ALT_NAME, octetString(sequence(...alternatives))),
    sequence(EXTENDED_KEY_USAGE, octetString(sequence(SERVER_AUTH))),
  ];
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [left = [], right = []] = address.split('::').map(half => half.split(':').filter(Boolean));
  const zeros = new Array<string>(8 - left.length - right.length).fill('0');
  return Buffer.from([...left, ...zeros, ...right].map(group => group.padStart(4, '0')).join(''), 'hex');
}
