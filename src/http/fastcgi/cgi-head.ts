import { IoliteError } from '../../base/error.ts';
import { isOfConnection } from '../app/app-protocol.ts';
import { type HeaderList, isField, withoutSpaceAround } from '../message/header-list.ts';

/** The head of a CGI response (RFC 3875, 6). */
export interface CgiHead {
  /** 200 unless it says another; 302 for a redirect of the client that says none. */
  readonly status: number;
  /** Those for the client. */
  readonly headers: HeaderList;
  /** What Content-Length says. */
  readonly contentLength: number | undefined;
  /** A path that the server is to answer with in place of it (6.2.2). */
  readonly localRedirect: string | undefined;
  /** A file that is to be sent in place of the body: a path of the site, or one of the disk. */
  readonly file: { readonly path: string; readonly isOfDisk: boolean } | undefined;
}

/** Bytes of a head at most. */
export const MAX_CGI_HEAD_BYTES = 64 * 1024;

const STATUS = /^([1-9]\d\d)(?:[ \t].*)?$/;
const LENGTH = /^\d{1,15}$/;

/**
 * Where the head ends: behind its empty line, whose ends are CR LF or LF.
 * @param bytes latin1
 * @param from how many of them were looked at before
 * @returns undefined when that has not come
 */
export function endOfHead(bytes: string, from = 0): number | undefined {
  if (/^\r?\n/.test(bytes)) return bytes.indexOf('\n') + 1;
  const start = Math.max(0, from - 3);
  const found = /\n\r?\n/.exec(start === 0 ? bytes : bytes.slice(start));
  return found === null ? undefined : start + found.index + found[0].length;
}

/**
 * @param text of the head, latin1, its empty line included
 * @throws ERR_IOLITE_PROTOCOL for one that is none, or could be taken for something else by who gets it
 */
export function parseCgiHead(text: string): CgiHead {
  const fields = fieldsOf(text);
  const headers: string[] = [];
  let status: number | undefined;
  let location: string | undefined;
  let contentLength: number | undefined;
  let file: CgiHead['file'];
  for (const [name, value] of fields) {
    switch (name.toLowerCase()) {
      case 'status':
        if (status !== undefined || !STATUS.test(value)) throw malformed(name);
        status = Number(value.slice(0, 3));
        break;
      case 'x-accel-redirect':
      case 'x-sendfile':
        if (file !== undefined) throw malformed(name);
        file = { path: value, isOfDisk: name.toLowerCase() === 'x-sendfile' };
        break;
      case 'content-length':
        if (contentLength !== undefined || !LENGTH.test(value)) throw malformed(name);
        contentLength = Number(value);
        headers.push(name, value);
        break;
      case 'location':
        if (location !== undefined) throw malformed(name);
        location = value;
        headers.push(name, value);
        break;
      default:
        if (!isOfConnection(name)) headers.push(name, value);
    }
  }
  if (status !== undefined && (status < 200 || status > 599)) throw malformed('Status');
  const isLocal = location?.startsWith('/') === true && !location.startsWith('//') && status === undefined;
  return {
    status: status ?? (location === undefined ? 200 : 302),
    headers,
    contentLength,
    localRedirect: isLocal ? location : undefined,
    file,
  };
}

function fieldsOf(text: string): [name: string, value: string][] {
  const fields: [string, string][] = [];
  for (const line of text.split(/\r?\n/)) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    const value = withoutSpaceAround(line.slice(colon + 1));
    // A line that goes on from the last one (RFC 9112, 5.2) has no name, and is refused as well.
    if (!isField(name, value)) throw malformed(name);
    fields.push([name, value]);
  }
  if (fields.length === 0) throw malformed('');
  return fields;
}

function malformed(name: string): IoliteError {
  const where = name === '' ? 'no field' : `a field that it may not: ${JSON.stringify(name.slice(0, 40))}`;
  return new IoliteError('ERR_IOLITE_PROTOCOL', `The FastCGI application answered with ${where}`);
}
