/** Whether contents may be got from an address: a URL of http, with nothing behind its port. */
export function isPullAddress(address: unknown): address is string {
  if (typeof address !== 'string' || !URL.canParse(address)) return false;
  const { protocol, pathname, search, hash, username, password } = new URL(address);
  return protocol === 'http:' && pathname === '/' && `${search}${hash}${username}${password}` === '';
}
