import type { RequestNotes } from '../message/exchange.ts';
import { namesOneHost } from '../message/request-host.ts';
import type { Repetition } from './repetition.ts';

/** What the fields of a request say. The same list always makes the same one: it may be used many times. */
export interface Http2Head {
  readonly method: string;
  readonly target: string;
  /** By name in lower case, those with a colon included. */
  readonly fields: ReadonlyMap<string, string>;
  /** As they came: name, value, name, value. */
  readonly rawHeaders: readonly string[];
  /** Bytes of the body as the request states them; undefined if it does not. */
  readonly contentLength: number | undefined;
  /** The status of the answer that it gets whatever handlers there are. */
  readonly refusal: number | undefined;
  readonly priority: Priority;
  /** Of the handlers, where the head is kept as it is likely to come again. */
  readonly notes: RequestNotes | undefined;
  /** What it was answered with, where that may be repeated. */
  repetition: Repetition | undefined;
}

/** How much a client wants an answer (RFC 9218). */
export interface Priority {
  /** From 0, the most, to 7. */
  readonly urgency: number;
  /** Whether parts of it are of use; undefined where the client did not say. */
  readonly isIncremental: boolean | undefined;
}

const DEFAULT_PRIORITY: Priority = { urgency: 3, isIncremental: undefined };

/** In place of one that is too long to be read. */
export const UNREAD_HEAD: Http2Head = {
  method: 'GET',
  target: '/',
  fields: new Map(),
  rawHeaders: [],
  contentLength: undefined,
  refusal: 431,
  priority: DEFAULT_PRIORITY,
  notes: undefined,
  repetition: undefined,
};

const PSEUDO = new Set([':method', ':scheme', ':authority', ':path']);
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/;
const PATH = /^\/[\x21-\x7e\x80-\xff]*$/;
/** field-value without white space around it (RFC 9113, 8.2.1). */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
/** Fields of a connection, which HTTP/2 does not have (RFC 9113, 8.2.2). */
const OF_CONNECTION = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);
/** Fields of which the first line counts, as in node:http and node:http2. */
const SINGLE = new Set([
  ...['authorization', 'content-type', 'from', 'if-modified-since', 'if-unmodified-since', 'if-match'],
  ...['max-forwards', 'proxy-authorization', 'referer', 'user-agent', 'range', 'if-range'],
]);

/**
 * Reads the fields of a request (RFC 9113, 8.2 and 8.3).
 * @param isKept whether it is likely to be used again
 * @returns undefined for a malformed one
 */
export function readHead(list: readonly string[], isKept: boolean): Http2Head | undefined {
  const fields = new Map<string, string>();
  let isAfterPseudo = false;
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string;
    const value = list[i + 1] as string;
    if (!VALUE.test(value)) return undefined;
    if (name.charCodeAt(0) === 0x3a) {
      if (isAfterPseudo || !PSEUDO.has(name) || fields.has(name)) return undefined;
      fields.set(name, value);
    } else {
      isAfterPseudo = true;
      if (!addField(fields, name, value)) return undefined;
    }
  }
  const target = targetOf(fields);
  const contentLength = contentLengthOf(fields.get('content-length'));
  if (target === undefined || contentLength === -1) return undefined;
  const method = fields.get(':method') as string;
  return {
    method,
    target,
    fields,
    rawHeaders: isKept ? Object.freeze(list) : list,
    contentLength,
    refusal: refusalOf(method, list, fields),
    priority: priorityOf(fields.get('priority')),
    notes: isKept ? { site: undefined } : undefined,
    repetition: undefined,
  };
}

/** Whether a list of fields may stand behind a body. */
export function areTrailers(list: readonly string[]): boolean {
  const fields = new Map<string, string>();
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string;
    const value = list[i + 1] as string;
    if (!VALUE.test(value) || !addField(fields, name, value)) return false;
  }
  return true;
}

/** @returns whether a request may have it */
function addField(fields: Map<string, string>, name: string, value: string): boolean {
  if (!NAME.test(name) || OF_CONNECTION.has(name)) return false;
  const before = fields.get(name);
  if (name === 'te' && value.toLowerCase() !== 'trailers') return false;
  if (before === undefined) fields.set(name, value);
  else if (name === 'host' || name === 'content-length') return false;
  else if (!SINGLE.has(name)) fields.set(name, before + (name === 'cookie' ? '; ' : ', ') + value);
  return true;
}

/** @returns undefined where what is there of the fields with a colon makes no request */
function targetOf(fields: ReadonlyMap<string, string>): string | undefined {
  const method = fields.get(':method');
  const scheme = fields.get(':scheme');
  const path = fields.get(':path');
  const authority = fields.get(':authority');
  if (method === undefined || !METHOD.test(method)) return undefined;
  if (method === 'CONNECT') return scheme === undefined && path === undefined ? authority : undefined;
  if (scheme === undefined || !SCHEME.test(scheme) || path === undefined) return undefined;
  if (authority === undefined && fields.get('host') === undefined) return undefined;
  return PATH.test(path) || (path === '*' && method === 'OPTIONS') ? path : undefined;
}

/** @returns undefined where there is none, -1 for one that is no length */
function contentLengthOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  return /^\d{1,15}$/.test(value) ? Number(value) : -1;
}

function refusalOf(
  method: string,
  rawHeaders: readonly string[],
  fields: ReadonlyMap<string, string>,
): number | undefined {
  // There are no tunnels here.
  if (method === 'CONNECT') return 405;
  const headers = { host: fields.get('host'), ':authority': fields.get(':authority') };
  return namesOneHost({ rawHeaders, headers }) ? undefined : 400;
}

/** What a client wants, of the value of Priority. What is not understood is passed over. */
export function priorityOf(value: string | undefined): Priority {
  if (value === undefined) return DEFAULT_PRIORITY;
  const urgency = /(?:^|,)\s*u=([0-7])\s*(?:[,;]|$)/.exec(value)?.[1];
  const isIncremental = /(?:^|,)\s*i(?:=\?1)?\s*(?:[,;]|$)/.test(value);
  return { urgency: urgency === undefined ? DEFAULT_PRIORITY.urgency : Number(urgency), isIncremental };
}
