import { randomBytes } from 'node:crypto';
import { ArgumentError, describe } from '../../../base/error.ts';
import { TrustedProxies, type TrustForwarded } from '../trusted-proxies.ts';
import type { Forwarding } from './forwarding.ts';

/** How requests are passed on to an origin, and responses back. */
export interface ForwardingOptions {
  /**
   * Which clients are proxies that may be believed where a request came from, and for which host and scheme
   * it is (Forwarded, X-Forwarded-*): all (true), none, or those with certain addresses, as
   * ['10.0.0.0/8', '::1']. Default: none, and what they say of it is dropped.
   */
  readonly trustForwarded?: TrustForwarded | undefined;
  /**
   * Which Host the origin is told: that of its own URL ('origin'), the one that the client has named
   * ('client'), or another text. Default 'origin'; X-Forwarded-Host has the client's in any case.
   */
  readonly host?: 'origin' | 'client' | (string & {}) | undefined;
}

/** A name or address, with or without a port (RFC 9110, 7.2). */
const HOST = /^(?:\[[0-9a-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::\d{1,5})?$/i;

/** @param origin its URL, checked @throws ERR_IOLITE_ARGUMENT */
export function forwardingOf(
  { trustForwarded, host = 'origin' }: ForwardingOptions,
  origin: string,
): Forwarding {
  if (typeof host !== 'string' || !HOST.test(host) || !URL.canParse(`http://${host}`)) {
    throw new ArgumentError(
      "Cannot forward requests: 'origin', 'client' or a name is wanted as their host, " +
        `${describe(host)} was given`,
    );
  }
  const trusted = new TrustedProxies(trustForwarded);
  return { pseudonym: `iolite-${randomBytes(4).toString('hex')}`, trusted, origin, host };
}
