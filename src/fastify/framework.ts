import type { NodeRequest } from '../http/node/node-adapter.ts';
import type { NodeResponse } from '../http/node/response-way.ts';

/** What is used of an instance of Fastify, which therefore need not be installed for iolite's sake. */
export interface Instance {
  readonly log: { warn(text: string): void };
  /** Gets RouteOptions: Fastify's own are of too many types to say here. */
  route(options: never): unknown;
  /** Gets a hook of Fastify's own type. */
  addHook(name: 'onRequest', hook: never): unknown;
  decorateReply(name: string, method: (this: never, ...given: never[]) => unknown): unknown;
}

/** A route, as it is told to Fastify. */
export interface RouteOptions {
  method: ('GET' | 'HEAD')[];
  url: string;
  handler: (request: Request, reply: Reply) => unknown;
  /** Of which `hide` is told to those who describe routes. */
  schema?: object;
  constraints?: unknown;
  logLevel?: unknown;
}

/** What is used of a request. */
export interface Request {
  readonly raw: NodeRequest;
  readonly query: unknown;
  readonly routeOptions?: { readonly url?: string | undefined };
}

/** What is used of a reply. */
export interface Reply {
  readonly raw: NodeResponse;
  readonly request: Request;
  readonly statusCode: number;
  readonly sent: boolean;
  getHeaders(): Record<string, number | string | string[] | undefined>;
  header(name: string, value: unknown): this;
  removeHeader(name: string): this;
  code(status: number): this;
  type(mediaType: string): this;
  hijack(): this;
  redirect(url: string, status: number): unknown;
  callNotFound(): unknown;
  send(payload?: unknown): unknown;
}

/**
 * Whether hooks of a request's route may change what is sent (onSend). Fastify tells nobody: it is read from
 * where Fastify keeps it, and where that is not found there may be some.
 */
export function hasSendHooks(request: Request): boolean {
  const symbol = Object.getOwnPropertySymbols(request).find(each => each.description === 'fastify.context');
  const context = symbol && (request as unknown as Record<symbol, { onSend?: unknown } | undefined>)[symbol];
  return context?.onSend !== null;
}
