/** Fields that both sides know from the beginning (RFC 7541, appendix A): name, value, name, value. */
// biome-ignore format: a field or two a line.
const FIELDS = [
  ':authority', '',
  ':method', 'GET', ':method', 'POST',
  ':path', '/', ':path', '/index.html',
  ':scheme', 'http', ':scheme', 'https',
  ':status', '200', ':status', '204', ':status', '206', ':status', '304',
  ':status', '400', ':status', '404', ':status', '500',
  'accept-charset', '', 'accept-encoding', 'gzip, deflate', 'accept-language', '', 'accept-ranges', '',
  'accept', '', 'access-control-allow-origin', '', 'age', '', 'allow', '', 'authorization', '',
  'cache-control', '', 'content-disposition', '', 'content-encoding', '', 'content-language', '',
  'content-length', '', 'content-location', '', 'content-range', '', 'content-type', '', 'cookie', '',
  'date', '', 'etag', '', 'expect', '', 'expires', '', 'from', '', 'host', '', 'if-match', '',
  'if-modified-since', '', 'if-none-match', '', 'if-range', '', 'if-unmodified-since', '',
  'last-modified', '', 'link', '', 'location', '', 'max-forwards', '', 'proxy-authenticate', '',
  'proxy-authorization', '', 'range', '', 'referer', '', 'refresh', '', 'retry-after', '', 'server', '',
  'set-cookie', '', 'strict-transport-security', '', 'transfer-encoding', '', 'user-agent', '', 'vary', '',
  'via', '', 'www-authenticate', '',
];

/** How many there are; they are counted from 1. */
export const STATIC_FIELDS = FIELDS.length / 2;

export function staticName(index: number): string {
  return FIELDS[2 * index - 2] as string;
}

export function staticValue(index: number): string {
  return FIELDS[2 * index - 1] as string;
}

const byName = new Map<string, number>();
const byField = new Map<string, number>();
for (let index = STATIC_FIELDS; index >= 1; index--) {
  byName.set(staticName(index), index);
  byField.set(`${staticName(index)}: ${staticValue(index)}`, index);
}

/** The first field of a name, in lower case; 0 for none. */
export function staticNameIndex(name: string): number {
  return byName.get(name) ?? 0;
}

/** The field of this name, in lower case, and value; 0 for none. */
export function staticFieldIndex(name: string, value: string): number {
  return byField.get(`${name}: ${value}`) ?? 0;
}
