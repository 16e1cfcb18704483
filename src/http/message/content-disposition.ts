import { basename } from 'node:path';

/** As of ES2024. */
type WellFormed = string & { toWellFormed(): string };

/** token (RFC 9110, 5.6.2), which needs no quotation marks. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** attr-char of RFC 8187, 3.2.1, which stays as it is. */
const PLAIN = /[^A-Za-z0-9!#$&+.^_`|~-]/gu;

/**
 * The value of a Content-Disposition that has a file saved under a name (RFC 6266). A name that is not of
 * ISO-8859-1 is told twice: as it is (RFC 8187), and with question marks, for clients that know no better.
 * @param path of which the last segment is the name
 */
export function attachmentOf(path: string): string {
  const name = basename(path);
  if (TOKEN.test(name) && !name.includes('%')) return `attachment; filename=${name}`;
  const plain = name.replace(/[^\x20-\x7e\xa0-\xff]/gu, '?');
  const quoted = `attachment; filename="${plain.replace(/["\\]/g, '\\$&')}"`;
  const isClear = plain === name && !/%[0-9a-f]{2}/i.test(name);
  return isClear
    ? quoted
    : `${quoted}; filename*=UTF-8''${(name as WellFormed).toWellFormed().replace(PLAIN, encoded)}`;
}

function encoded(character: string): string {
  return encodeURIComponent(character).replace(
    /[!'()*]/g,
    each => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
