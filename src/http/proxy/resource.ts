import type { ServerRequest } from '../message/exchange.ts';

/** What a request is for. */
export interface Resource {
  /** Host and port as the client names them, in lower case. */
  readonly authority: string;
  /** Path and query. */
  readonly path: string;
}

/** Nothing that could end a quoted string, or a field. */
const AUTHORITY = /^[\w.~!$&'()*+,;=%:[\]-]*$/;
const PATH = /^\/[^\s#]*$/;
const ABSOLUTE = /^https?:\/\/([^/?#]+)([^\s#]*)$/i;

/**
 * What a request is for, by its target and Host (RFC 9110, 7.1). A target that names the host itself
 * overrules Host.
 * @returns undefined when either is malformed, or the target is none of a resource
 */
export function resourceOf(request: ServerRequest): Resource | undefined {
  const host = request.header('host') ?? request.header(':authority') ?? '';
  const { target } = request;
  const [, named, rest = ''] = ABSOLUTE.exec(target) ?? [];
  const path = named === undefined ? target : rest.startsWith('/') ? rest : `/${rest}`;
  const authority = (named ?? host).toLowerCase();
  return AUTHORITY.test(authority) && PATH.test(path) ? { authority, path } : undefined;
}

/**
 * What a response's Location or Content-Location refers to, if it is on the same host (RFC 9111, 4.4).
 * @param base what the request was for
 */
export function relatedResource(base: Resource, reference: string | undefined): Resource | undefined {
  if (reference === undefined) return undefined;
  const { authority, path } = base;
  if (!URL.canParse(reference, `http://${authority}${path}`)) return undefined;
  const url = new URL(reference, `http://${authority}${path}`);
  if (url.host !== authority) return undefined;
  return { authority, path: `${url.pathname}${url.search}` };
}
