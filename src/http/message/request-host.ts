import { countFieldLines, type HeaderList } from './header-list.ts';

/** uri-host and port (RFC 9110, 7.2); empty where there is no host. */
const HOST = /^(?:\[[0-9A-Za-z:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/;

/** A request's fields. */
interface Fields {
  readonly rawHeaders: HeaderList;
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
}

/**
 * Whether a request names one host at most, in a way that all who read it take for the same: no several
 * Hosts, of which some take the first and others the last, none that is no host (RFC 9112, 3.2), and none
 * besides another authority (RFC 9113, 8.3.1).
 */
export function namesOneHost({ rawHeaders, headers }: Fields): boolean {
  if (countFieldLines(rawHeaders, 'host') > 1) return false;
  const { host, ':authority': authority } = headers;
  if (typeof host === 'string' && !HOST.test(host)) return false;
  if (typeof authority !== 'string') return true;
  return HOST.test(authority) && (typeof host !== 'string' || host.toLowerCase() === authority.toLowerCase());
}
