import { createHash } from 'node:crypto';
import type { ServerRequest } from '../message/exchange.ts';
import { forwardedTarget } from './forwarded-fields.ts';

/** What a request is for: its target URI (RFC 9110, 7.1). What an origin is told of it is exactly this. */
export interface Resource {
  /** How the request came, or how a server in front that is believed says that it came there. */
  readonly scheme: 'http' | 'https';
  /** Host and port as the client names them, in lower case, without the port that the scheme implies. */
  readonly authority: string;
  /** Path and query, as they were sent. */
  readonly path: string;
  /** What all that is stored of it is under: short, however long the target is. */
  readonly key: string;
  /** How the target begins, where it is longer than that. */
  readonly start: string | undefined;
}

/** Nothing that could end a quoted string, or a field. */
const AUTHORITY = /^[\w.~!$&'()*+,;=%:[\]-]*$/;
const PATH = /^\/[^\s#]*$/;
const ABSOLUTE = /^https?:\/\/([^/?#]+)([^\s#]*)$/i;
const IMPLIED_PORT = { http: /:(80)?$/, https: /:(443)?$/ };
/** A longer key is a digest, which no key of a target is taken for: it does not begin with a scheme. */
const KEY_CHARACTERS = 160;

/**
 * What a request is for, by its target and Host (RFC 9110, 7.1). A target that names the host itself
 * overrules Host; its scheme is how the request came, whatever the target says.
 * @param trustForwarded whether Forwarded and X-Forwarded-* overrule both
 * @returns undefined when something of it is malformed, or the target is none of a resource
 */
export function resourceOf(request: ServerRequest, trustForwarded: boolean): Resource | undefined {
  const { target } = request;
  const [, named, rest = ''] = ABSOLUTE.exec(target) ?? [];
  const path = named === undefined ? target : rest.startsWith('/') ? rest : `/${rest}`;
  const front = trustForwarded ? forwardedTarget(request) : undefined;
  const scheme = front?.scheme ?? (request.secure ? 'https' : 'http');
  const authority = request.header(':authority');
  const stated = request.header('host');
  // No two hosts: whoever looks at the other one takes it for another request (RFC 9113, 8.3.1).
  if (authority !== undefined && stated !== undefined && !sameText(authority, stated)) return undefined;
  const host = front?.host ?? named ?? authority ?? stated ?? '';
  if (!AUTHORITY.test(host) || !PATH.test(path)) return undefined;
  return makeResource(scheme, host, path, front?.others);
}

function sameText(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/**
 * What a response's Location or Content-Location refers to, if it is on the same host (RFC 9111, 4.4).
 * @param base what the request was for
 */
export function relatedResource(base: Resource, reference: string | undefined): Resource | undefined {
  if (reference === undefined) return undefined;
  const { scheme, authority, path } = base;
  const at = `${scheme}://${authority}${path}`;
  if (!URL.canParse(reference, at)) return undefined;
  const url = new URL(reference, at);
  if (url.host !== authority) return undefined;
  return makeResource(scheme, authority, `${url.pathname}${url.search}`);
}

/** @param others what else the origin is told that it may answer by */
export function makeResource(
  scheme: Resource['scheme'],
  host: string,
  path: string,
  others: readonly string[] = [],
): Resource {
  const authority = host.toLowerCase().replace(IMPLIED_PORT[scheme], '');
  const target = `${scheme}://${authority}${path}`;
  const whole = others.length === 0 ? target : told(target, others);
  if (whole.length <= KEY_CHARACTERS) return { scheme, authority, path, key: whole, start: undefined };
  return { scheme, authority, path, key: digestOf(whole), start: startOf(target) };
}

/**
 * A URL, or what URLs begin with, as targets are written; a path stays one.
 * @returns undefined where it is neither
 */
export function targetOf(url: string): string | undefined {
  if (url.startsWith('/')) return PATH.test(url) ? url : undefined;
  const [, scheme = '', host, rest = ''] = /^(https?):\/\/([^/?#]+)([^\s#]*)$/i.exec(url) ?? [];
  if (host === undefined || !AUTHORITY.test(host)) return undefined;
  const path = rest.startsWith('/') ? rest : `/${rest}`;
  const { authority } = makeResource(scheme.toLowerCase() as Resource['scheme'], host, path);
  return `${scheme.toLowerCase()}://${authority}${path}`;
}

/** What is stored of a target is under this key where nothing else is part of it. */
export function keyOfTarget(target: string): string {
  return target.length <= KEY_CHARACTERS ? target : digestOf(target);
}

/** How a target begins, or all of it. A copy: what it was cut from goes. */
export function startOf(target: string): string {
  return Buffer.from(target.slice(0, KEY_CHARACTERS), 'latin1').toString('latin1');
}

/** Whether this may be but the beginning of a target. */
export function mayGoOn(start: string): boolean {
  return start.length >= KEY_CHARACTERS;
}

/** The target of what is under a key that is not too long, which has no space in it. */
export function targetOfKey(key: string): string {
  const end = key.indexOf(' ');
  return end === -1 ? key : key.slice(0, end);
}

function told(target: string, others: readonly string[]): string {
  return `${target} ${JSON.stringify(others)}`;
}

/** O(length). */
function digestOf(key: string): string {
  return `#${createHash('sha256').update(key).digest('base64url')}`;
}
