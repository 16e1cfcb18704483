import { isIPv6 } from 'node:net';
import { UNIX_PEER } from '../../../os/unix-address.ts';
import type { ServerRequest } from '../../message/exchange.ts';
import { fieldOf, type HeaderList, tokensOf, without } from '../../message/header-list.ts';
import { forEachField, forwardedNodes, isPassedOn, plainName, tellsOfRequest } from '../forwarded-fields.ts';
import type { Resource } from '../resource.ts';
import type { TrustedProxies } from '../trusted-proxies.ts';
import { seenFromFront } from './own-address.ts';

/** Fields that are for one connection only (RFC 9110, 7.6.1), and those that were for a proxy. */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];
/** Fields of a request that this side makes anew, or answers itself. */
const OURS = [
  'cookie',
  'expect',
  'host',
  'http2-settings',
  'via',
  // HTTP/2 has the request line in fields.
  ':authority',
  ':method',
  ':path',
  ':scheme',
];
/**
 * Those by which a GET becomes another method for some origins: what is kept of it would be no answer to a
 * GET.
 */
const METHOD_FIELDS = ['x-http-method', 'x-http-method-override', 'x-method-override'];
/** What programs that CGI starts take for where their own requests are to go. */
const CGI_FIELDS = ['proxy'];
/** What a request for the whole, whatever the client has, does not say. */
const NOT_FOR_WHOLE = [
  'content-length',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-range',
  'if-unmodified-since',
  'range',
];

/** Fields of a response in which an origin may name itself. */
const NAMING_ORIGIN = new Set(['location', 'content-location', 'refresh', 'set-cookie']);

/** How requests are passed on. */
export interface Forwarding {
  /** By which others, and this side if a request comes back, know this side (RFC 9110, 7.6.3). */
  readonly pseudonym: string;
  /** The clients that are proxies, and may be believed where a request came from. */
  readonly trusted: TrustedProxies;
  /** The URL of the origin. */
  readonly origin: string;
  /** Which Host the origin is told: that of its own URL, the client's, or a text. */
  readonly host: 'origin' | 'client' | (string & {});
}

/**
 * Fields of a request as the origin gets them: without what was for one hop, with Via and where the request
 * came from (RFC 7239, and the fields that were there before it). Of what the request is for the origin is
 * told what its resource says, which is what the response is stored under.
 * @param whole to ask for the whole without conditions, so that it can be stored
 */
export function forwardedRequest(
  request: ServerRequest,
  resource: Resource,
  forwarding: Forwarding,
  whole: boolean,
): string[] {
  const { authority, scheme } = resource;
  const isTrusted = forwarding.trusted.trusts(request.remoteAddress);
  const before = isTrusted ? nodesOf(request) : [];
  const client = clientNode(request.remoteAddress);
  const cookie = request.header('cookie');
  const host = hostOf(resource, forwarding);
  return [
    ...(host === undefined || host === '' ? [] : ['Host', host]),
    ...ownFields(request, isTrusted, whole),
    // One field, which HTTP/2 has in several lines (RFC 9113, 8.2.3).
    ...(cookie === undefined ? [] : ['Cookie', cookie]),
    'Via',
    listed(request.header('via'), `1.1 ${forwarding.pseudonym}`),
    'Forwarded',
    [...before.map(forwardedNode), forwardedElement(client, authority, scheme)].join(', '),
    'X-Forwarded-For',
    [...before.map(plainNode), client].join(', '),
    'X-Forwarded-Host',
    authority,
    'X-Forwarded-Proto',
    scheme,
  ];
}

/** Fields of a request for another machine, which makes of them what this one would: for the whole. */
export function fieldsForPeer(request: ServerRequest, { trusted }: Forwarding): HeaderList {
  const fields = ownFields(request, false, true);
  if (trusted.trusts(request.remoteAddress))
    forEachField(request.rawHeaders, (name, value) => {
      if (tellsOfRequest(name.toLowerCase())) fields.push(name, value);
    });
  const via = request.header('via');
  return via === undefined ? fields : [...fields, 'Via', via];
}

/**
 * The fields that go on as they came. A name with `_` goes no further than the one with `-`: many an origin
 * takes it for that.
 */
function ownFields(request: ServerRequest, trustForwarded: boolean, whole: boolean): string[] {
  const { method } = request;
  const dropped = new Set([...HOP_BY_HOP, ...OURS, ...CGI_FIELDS, ...tokensOf(request.header('connection'))]);
  if (method === 'GET' || method === 'HEAD') for (const name of METHOD_FIELDS) dropped.add(name);
  if (whole) for (const name of NOT_FOR_WHOLE) dropped.add(name);
  const fields: string[] = [];
  forEachField(request.rawHeaders, (name, value) => {
    const plain = plainName(name);
    const stays = tellsOfRequest(plain) ? trustForwarded && isPassedOn(name) : !dropped.has(plain);
    if (stays && !dropped.has(name.toLowerCase())) fields.push(name, value);
  });
  return fields;
}

/**
/**
 * Fields of a response as they are sent on, and stored: without what was for one hop, and with this side's
 * address where the origin names its own. Content-Length is kept, but for a 204, which has none (RFC 9110,
 * 8.6): who believed it would take the next answer for its content.
 */
export function forwardedResponse(
  { status, headers }: { readonly status: number; readonly headers: HeaderList },
  resource: Resource,
  forwarding: Forwarding,
): string[] {
  const { pseudonym } = forwarding;
  const dropped = new Set([...HOP_BY_HOP, ...tokensOf(fieldOf(headers, 'connection')), 'via']);
  if (status === 204) dropped.add('content-length');
  const via = listed(fieldOf(headers, 'via'), `1.1 ${pseudonym}`);
  const fields = [...without(headers, dropped), 'Via', via];
  let origins: string[] | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const name = (fields[i] as string).toLowerCase();
    if (!NAMING_ORIGIN.has(name)) continue;
    origins ??= addressesOf(forwarding);
    fields[i + 1] = seenFromFront(name, fields[i + 1] as string, origins, resource);
  }
  return fields;
}

/** The Host that the origin is told; undefined for that of its URL. */
function hostOf({ authority }: Resource, { host }: Forwarding): string | undefined {
  if (host === 'origin') return undefined;
  return host === 'client' ? authority : host;
}

/** By what addresses an origin knows itself, as URLs. */
function addressesOf({ host, origin }: Forwarding): string[] {
  if (host === 'origin' || host === 'client') return [origin];
  return [origin, new URL(`${new URL(origin).protocol}//${host}`).origin];
}

/** A client as both fields name it: one on a Unix socket has no address (RFC 7239, 6.2). */
function clientNode(address: string | undefined): string {
  return address === undefined || address === UNIX_PEER ? 'unknown' : address;
}

/** Who a request came through, the client first: what one of the two fields says is said in both. */
function nodesOf(request: ServerRequest): string[] {
  const listed = request.header('x-forwarded-for');
  if (listed === undefined) return forwardedNodes(request.header('forwarded'));
  return listed
    .split(',')
    .map(each => each.trim())
    .filter(each => each !== '');
}

/** As X-Forwarded-For has it. */
function plainNode(node: string): string {
  return node.replace(/^\[([^\]]*)\]$/, '$1');
}

/** As Forwarded has it (RFC 7239, 6). */
function forwardedNode(node: string): string {
  if (/^[\w.-]+$/.test(node)) return `for=${node}`;
  return isIPv6(node) ? `for="[${node}]"` : `for="${node.replaceAll(/["\\]/g, '')}"`;
}

/** Whether a request has been here before. */
export function isLoop(request: ServerRequest, { pseudonym }: Forwarding): boolean {
  return tokensOf(request.header('via')).some(hop => hop.endsWith(` ${pseudonym}`));
}

function listed(before: string | undefined, last: string): string {
  return before === undefined || before === '' ? last : `${before}, ${last}`;
}

function forwardedElement(client: string, authority: string, protocol: string): string {
  const node = client.includes(':') ? `"[${client}]"` : client;
  return `for=${node};host="${authority}";proto=${protocol}`;
}
