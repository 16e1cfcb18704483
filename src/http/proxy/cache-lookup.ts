import { type Directives, parseDirectives } from '../message/cache-control.ts';
import type { Answer, ServerRequest } from '../message/exchange.ts';
import { plainName, tellsOfRequest } from './forwarded-fields.ts';
import { type Resource, resourceOf } from './resource.ts';
import type { TrustedProxies } from './trusted-proxies.ts';

/** A request that a cache can have a part in. */
export interface CacheLookup {
  readonly request: ServerRequest;
  readonly resource: Resource;
  /** Cache-Control of the request. */
  readonly wanted: Directives;
}

/**
 * A request as a question to a cache. @param trustForwarded as {@link resourceOf} has it
 * @returns undefined for one that is none
 */
export function lookupOf(request: ServerRequest, trustForwarded: boolean): CacheLookup | undefined {
  if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
  if (request.upgrade !== undefined) return undefined;
  const resource = resourceOf(request, trustForwarded);
  const wanted = parseDirectives(request.header('cache-control'));
  if (resource === undefined || wanted.has('no-store') || request.body !== undefined) return undefined;
  return { request, resource, wanted };
}

/**
 * Whether a hit is one for the very same bytes of a request again, whoever sends them: how old it may be they
 * do not say, nor what only some are believed; and its age is stated, to be brought up to date.
 */
export function isRepeatable(
  { request, wanted }: CacheLookup,
  { headers }: Answer,
  trusted: TrustedProxies,
): boolean {
  if (wanted.size > 0 || headers.at(-2) !== 'Age') return false;
  if (typeof trusted.stated === 'boolean') return true;
  const { rawHeaders } = request;
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (tellsOfRequest(plainName(rawHeaders[index] as string))) return false;
  return true;
}

/** What a GET for the whole does not answer: where nothing is stored, the origin gets it as it is. */
export function asksForPart(request: ServerRequest): boolean {
  const asks = ['range', 'if-match', 'if-unmodified-since'].some(name => request.header(name) !== undefined);
  return asks || request.method === 'HEAD';
}
