import { BlockList, isIP } from 'node:net';
import { ArgumentError, describe } from '../../base/error.ts';
import { UNIX_PEER } from '../../os/unix-address.ts';

/**
 * Who is believed where a request came from: everybody, nobody, or those with certain addresses, one each
 * ('10.1.2.3', '::1') or many ('10.0.0.0/8', 'fd00::/8'), or 'unix': who connects to a Unix socket.
 */
export type TrustForwarded = boolean | readonly string[];

/** Answers that are remembered: as many balancers as there may be. */
const MAX_KNOWN_ADDRESSES = 1024;
const MAPPED = /^::ffff:(?=\d+\.)/i;

/** The proxies in front of this one that are believed. */
export class TrustedProxies {
  readonly stated: TrustForwarded;
  readonly #addresses = new BlockList();
  /** Whether those on Unix sockets are. */
  #trustsUnix = false;
  readonly #known = new Map<string, boolean>();

  /** @throws ERR_IOLITE_ARGUMENT */
  constructor(stated: TrustForwarded = false) {
    this.stated = stated;
    if (typeof stated === 'boolean') return;
    if (!Array.isArray(stated)) throw wrong(stated);
    for (const each of stated) this.#add(each);
  }

  /** @param address of the one who has sent a request; undefined where it is not known any more */
  trusts(address: string | undefined): boolean {
    const { stated } = this;
    if (typeof stated === 'boolean' || address === undefined) return stated === true;
    if (address === UNIX_PEER) return this.#trustsUnix;
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const plain = address.replace(MAPPED, '');
    const family = isIP(plain);
    const trusted = family !== 0 && this.#addresses.check(plain, family === 6 ? 'ipv6' : 'ipv4');
    if (this.#known.size >= MAX_KNOWN_ADDRESSES) this.#known.clear();
    this.#known.set(address, trusted);
    return trusted;
  }

  /** As {@link trusts}. Only where addresses count is it found out whom a request came from. */
  trustsSender(request: { readonly remoteAddress: string | undefined }): boolean {
    const { stated } = this;
    return typeof stated === 'boolean' ? stated : this.trusts(request.remoteAddress);
  }

  #add(range: unknown): void {
    if (typeof range !== 'string') throw wrong(range);
    if (range === 'unix') {
      this.#trustsUnix = true;
      return;
    }
    const [address = '', length] = range.split('/');
    const family = isIP(address);
    const bits = family === 6 ? 128 : 32;
    if (family === 0 || (length !== undefined && !(/^\d{1,3}$/.test(length) && Number(length) <= bits)))
      throw wrong(range);
    const prefix = length === undefined ? bits : Number(length);
    this.#addresses.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4');
  }
}

function wrong(given: unknown): ArgumentError {
  return new ArgumentError(
    'Cannot trust proxies: true, false, or a list of addresses, ranges as 10.0.0.0/8, and unix is wanted, ' +
      `${describe(given)} was given`,
  );
}
