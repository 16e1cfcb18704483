import type { Resource } from '../resource.ts';

/** A reference that names a host (RFC 3986, 4.2), its scheme and authority. */
const WITH_HOST = /^(?:(https?):)?\/\/([^/?#\s]*)/i;
const REFRESH = /^(\s*\d+(?:\.\d+)?\s*[;,]\s*(?:url\s*=\s*)?["']?)(\S.*)$/i;
const DOMAIN = /(;\s*domain\s*=\s*)\.?([^;]*)/i;

/**
 * The value of a response's field in which the origin names itself, as the client knows it: Location,
 * Content-Location and Refresh by a URL, Set-Cookie by a domain.
 * @param name in lower case
 * @param origins by what addresses the origin knows itself, as URLs of no path
 * @param resource what the client has asked for
 */
export function seenFromFront(
  name: string,
  value: string,
  origins: readonly string[],
  resource: Resource,
): string {
  if (resource.authority === '') return value;
  if (name === 'location' || name === 'content-location') return translated(value, origins, resource);
  if (name === 'refresh')
    return value.replace(REFRESH, (_, before, url) => before + translated(url, origins, resource));
  if (name === 'set-cookie') return withDomain(value, origins, resource);
  return value;
}

function translated(reference: string, origins: readonly string[], resource: Resource): string {
  const [whole = '', scheme, authority] = WITH_HOST.exec(reference) ?? [];
  if (!authority) return reference;
  const isOrigin = origins.some(origin => {
    const named = `${scheme ?? new URL(origin).protocol.slice(0, -1)}://${authority}`;
    return URL.canParse(named) && new URL(named).origin === origin;
  });
  return isOrigin ? `${resource.scheme}://${resource.authority}${reference.slice(whole.length)}` : reference;
}

/** A cookie for the origin's host is one for the host that the client knows. */
function withDomain(cookie: string, origins: readonly string[], { authority }: Resource): string {
  return cookie.replace(DOMAIN, (whole, before: string, domain: string) => {
    const isOrigin = origins.some(origin => new URL(origin).hostname === domain.trim().toLowerCase());
    return isOrigin ? before + authority.replace(/:\d*$/, '') : whole;
  });
}
