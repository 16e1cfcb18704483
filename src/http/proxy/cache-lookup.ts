import { type Directives, parseDirectives } from '../message/cache-control.ts';
import type { ServerRequest } from '../message/exchange.ts';
import { type Resource, resourceOf } from './resource.ts';

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

/** What a GET for the whole does not answer: where nothing is stored, the origin gets it as it is. */
export function asksForPart(request: ServerRequest): boolean {
  const asks = ['range', 'if-match', 'if-unmodified-since'].some(name => request.header(name) !== undefined);
  return asks || request.method === 'HEAD';
}
