import type { Random } from './random.ts';

/** Requests of HTTP/1, usual ones and odd ones, by their parts. Strings are latin1. */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'get', 'PRI', 'QUERY'];
export const TARGETS = ['/', '/a?b=c', '/%2e%2e/', 'http://a/', '*', '/a#b', '//', '/\xe9', 'a:443'];
export const FIELDS = [
  ...['Host: a', 'host:[::1]:80', 'Host: a,b', 'Host : a', 'Connection: close', 'Connection: keep-alive'],
  ...['Content-Length: 3', 'Content-Length: 0', 'Content-Length: +3', 'Content-Length: 3, 3'],
  ...['content-length:10', 'Content-Length', 'Transfer-Encoding: chunked', 'Transfer-Encoding: Chunked'],
  ...['transfer-encoding: chunked, chunked', 'Transfer-Encoding: identity', 'Transfer-Encoding:\tchunked'],
  ...['Transfer-Encoding: xchunked', 'TE: trailers', 'Expect: 100-continue', 'Upgrade: h2c', 'Trailer: x'],
  ...['Connection: upgrade', 'Range: bytes=0-', 'Cookie: a=b', 'Accept: a\r\n b', 'X: y', 'Accept:'],
  ...['Content-Type: text/plain', ': x', 'Proxy-Connection: close'],
];
export const CHUNKS = [
  ...['3\r\nabc\r\n', '0\r\n\r\n', '3;a=b\r\nabc\r\n', '0003\r\nabc\r\n', '3\nabc\n', '0\r\nX: y\r\n\r\n'],
  ...['3 \r\nabc\r\n', '-1\r\n', '3;a="b"\r\nabc\r\n', 'ffffffffffffffff\r\n', '3\r\nabcd\r\n'],
];

export function requestOf(random: Random): string {
  const usual = random.chance(0.7);
  const method = random.pick(usual ? METHODS.slice(0, 6) : METHODS);
  const target = random.pick(usual ? TARGETS.slice(0, 3) : TARGETS);
  const fields = random.several(3, () => `${random.pick(FIELDS)}\r\n`).join('');
  const start = `${method} ${target} HTTP/1.1\r\nHost: a\r\n`;
  switch (random.below(3)) {
    case 0:
      return `${start}Content-Length: 3\r\n${fields}\r\nabc`;
    case 1: {
      const chunks = random.several(3, () => random.pick(CHUNKS)).join('');
      return `${start}Transfer-Encoding: chunked\r\n${fields}\r\n${chunks}${usual ? '0\r\n\r\n' : ''}`;
    }
    default:
      return `${start}${fields}\r\n`;
  }
}
