import type { ServerRequest } from '../message/exchange.ts';
import type { HeaderList } from '../message/header-list.ts';
import { encodedPath } from '../rules/path-pattern.ts';

/** What a request asks for, as a CGI program is told. */
export interface CgiScript {
  /** The program's file, absolute. */
  readonly file: string;
  /** What its files' paths begin with, absolute. */
  readonly root: string;
  /** Its path in URLs, decoded. */
  readonly name: string;
  /** What follows that, decoded; empty where nothing does. */
  readonly pathInfo: string;
}

/** With a hyphen or an underscore names are the same as variables: only those with hyphens go on. */
const PLAIN_NAME = /^[A-Za-z0-9-]+$/;
/**
 * Variables of their own; what programs would take for the proxy that they are to use (httpoxy); and how the
 * body came here, which is not how it comes to them.
 */
const LEFT_OUT = new Set([
  'content-type',
  'content-length',
  'proxy',
  'transfer-encoding',
  'te',
  'trailer',
  'expect',
]);

/**
 * The variables of a CGI request (RFC 3875, 4.1), as name, value, name, value. A field of the request cannot
 * name one that is not its own.
 * @param length of the body, if there is one
 * @param more which replace others of their names
 */
export function cgiEnvironment(
  request: ServerRequest,
  script: CgiScript,
  length: number | undefined,
  more: Readonly<Record<string, string>> = {},
): HeaderList {
  const { method, target, originalTarget = target, secure, remoteAddress = '' } = request;
  const uri = originalTarget.replace(/^https?:\/\/[^/?]*/i, '');
  const host = request.header('host') ?? request.header(':authority') ?? '';
  const mount = mountOf(originalTarget, target);
  const variables = new Map<string, string>();
  for (const [name, value] of fieldVariables(request)) variables.set(name, value);
  if (host !== '') variables.set('HTTP_HOST', host);
  const own: Readonly<Record<string, string>> = {
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_SOFTWARE: 'iolite',
    SERVER_PROTOCOL: 'HTTP/1.1',
    SERVER_NAME: host.replace(/:\d*$/, '') || 'localhost',
    SERVER_PORT: /:(\d{1,5})$/.exec(host)?.[1] ?? (secure ? '443' : '80'),
    REQUEST_SCHEME: secure ? 'https' : 'http',
    REQUEST_METHOD: method,
    REQUEST_URI: uri,
    QUERY_STRING: target.includes('?') ? target.slice(target.indexOf('?') + 1) : '',
    DOCUMENT_ROOT: script.root,
    DOCUMENT_URI: mount + script.name + script.pathInfo,
    SCRIPT_FILENAME: script.file,
    SCRIPT_NAME: mount + script.name,
    REMOTE_ADDR: remoteAddress,
    // PHP that is made to insist on it runs no script without.
    REDIRECT_STATUS: '200',
    ...(secure ? { HTTPS: 'on' } : {}),
    ...(script.pathInfo === ''
      ? {}
      : { PATH_INFO: script.pathInfo, PATH_TRANSLATED: script.root + script.pathInfo }),
    ...(length === undefined
      ? {}
      : { CONTENT_LENGTH: String(length), CONTENT_TYPE: request.header('content-type') ?? '' }),
    ...more,
  };
  for (const [name, value] of Object.entries(own)) variables.set(name, value);
  return [...variables].flat();
}

function fieldVariables({ rawHeaders }: ServerRequest): Map<string, string> {
  const variables = new Map<string, string>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const field = rawHeaders[i] as string;
    if (!PLAIN_NAME.test(field) || LEFT_OUT.has(field.toLowerCase())) continue;
    const name = `HTTP_${field.toUpperCase().replaceAll('-', '_')}`;
    const before = variables.get(name);
    const value = rawHeaders[i + 1] as string;
    const joint = name === 'HTTP_COOKIE' ? '; ' : ', ';
    variables.set(name, before === undefined ? value : before + joint + value);
  }
  return variables;
}

/** What was taken off the path before this request was asked. */
function mountOf(original: string, target: string): string {
  return original !== target && original.endsWith(target) && target.startsWith('/')
    ? original.slice(0, original.length - target.length)
    : '';
}

/** A path of the disk below a root as one of a URL. */
export function urlPathOf(path: string): string {
  return encodedPath(path.split('/').map(encodeURIComponent).join('/'));
}
