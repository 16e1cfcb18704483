import { withoutSpaceAround } from '../message/header-list.ts';

/** As of node:http. */
export const MAX_PLAIN_BYTES = 16 * 1024;

const REQUEST_LINE = /^([A-Z]{1,20}) (\/[\x21-\x7e]*) HTTP\/1\.[01]$/;
/** A name, an address in brackets, and a port: nothing that could stand for more in a URL. */
const HOST = /^(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

/**
 * The answer to a request of plain HTTP at a port of HTTPS: the same is to be had there.
 * @param said by the client so far
 * @returns undefined while more of the request is to come
 */
export function redirectToHttps(said: Buffer): Buffer | undefined {
  const end = said.indexOf('\r\n\r\n');
  if (end === -1) return looksLikeHttp(said) ? undefined : answer(400);
  const [first = '', ...fields] = said.toString('latin1', 0, end).split('\r\n');
  const [, method, target] = REQUEST_LINE.exec(first) ?? [];
  const hosts = fields
    .filter(field => /^host:/i.test(field))
    .map(field => withoutSpaceAround(field.slice(5)));
  const [host] = hosts;
  if (target === undefined || host === undefined || hosts.length > 1 || !HOST.test(host)) return answer(400);
  // Clients may make a GET of what is answered with 301.
  return answer(method === 'GET' || method === 'HEAD' ? 301 : 308, `https://${host}${target}`);
}

/** Whether its first bytes may be those of a request. */
function looksLikeHttp(said: Buffer): boolean {
  return /^[A-Z]{1,20}(?: [\x20-\x7e]*)?(?:\r|$)/.test(
    said.toString('latin1', 0, 200).split('\n', 1)[0] ?? '',
  );
}

function answer(status: 301 | 308 | 400, location?: string): Buffer {
  const reason = { 301: 'Moved Permanently', 308: 'Permanent Redirect', 400: 'Bad Request' }[status];
  const fields = location === undefined ? '' : `Location: ${location}\r\n`;
  return Buffer.from(
    `HTTP/1.1 ${status} ${reason}\r\n${fields}Content-Length: 0\r\nConnection: close\r\n\r\n`,
    'latin1',
  );
}
