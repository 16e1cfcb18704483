/**
 * Files from the cache in applications of Koa: a middleware, and one file that a route chose.
 * @packageDocumentation
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ArgumentError, describe } from '../base/error.ts';
import type { FileCache } from '../file/cache/file-cache.ts';
import { releaseBody } from '../http/message/body.ts';
import type { Answer, ServedFile, ServerRequest, Stated } from '../http/message/exchange.ts';
import { isRepeated, rangeFieldOf } from '../http/message/header-list.ts';
import { fidelityBelow } from '../http/message/negotiation.ts';
import { StatusError } from '../http/message/status-error.ts';
import { copiesOf } from '../http/node/body-stream.ts';
import { requestAnswer, serverRequest, writeAnswer } from '../http/node/node-adapter.ts';
import type { SetsHeaders } from '../http/node/set-headers.ts';
import { type ChosenFileOptions, chosenFiles } from '../http/site/chosen-files.ts';
import { defaultCache } from '../http/site/default-cache.ts';
import { createSite } from '../http/site/site.ts';
import type { SiteOptions } from '../http/site/site-options.ts';

/** What is used of Koa, which therefore need not be installed for iolite's sake. */
interface KoaContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly app: { readonly middleware: readonly unknown[] };
  readonly originalUrl: string;
  method: string;
  status: number;
  body: unknown;
  respond?: boolean | undefined;
}

/** A middleware of Koa. */
export type KoaMiddleware = (context: KoaContext, next: () => Promise<unknown>) => Promise<unknown>;

/** Options of {@link koaStatic}: those of serveStatic, and one of koa-static. */
export interface KoaStaticOptions
  extends Omit<SiteOptions, 'fallthrough' | 'headers'>,
    SetsHeaders<ServerResponse> {
  /** Where files are kept. Default: one cache of 64 MiB for all that this process serves. */
  readonly cache?: FileCache | undefined;
  /** Asks the next middleware first, and serves what it leaves unanswered. Default false. */
  readonly defer?: boolean | undefined;
}

/**
 * A middleware that serves the files of a directory; what there is none for is left to the next one. Errors
 * are thrown, for Koa and for who catches them.
 *
 * Where it is the application's first, files go past Koa into the socket, as those of serveStatic do.
 * Otherwise they are bodies, streams of copies: those before it may code them, so that tags are weak, and
 * ranges are answered to who takes no coding.
 * @param root the directory. It need not be there yet
 * @throws ERR_IOLITE_ARGUMENT
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { once } from 'node:events';
 * import type { AddressInfo } from 'node:net';
 * import Koa from 'koa';
 * import { koaStatic } from 'iolite/koa';
 *
 * const app = new Koa();
 * app.use(koaStatic('examples/site', { maxAge: '1h' }));
 * app.use(context => {
 *   context.body = 'of the application';
 * });
 * const server = app.listen(0);
 * await once(server, 'listening');
 * const url = `http://localhost:${(server.address() as AddressInfo).port}`;
 * assert.equal((await fetch(`${url}/style.css`)).headers.get('Cache-Control'), 'public, max-age=3600');
 * assert.equal(await (await fetch(`${url}/api`)).text(), 'of the application');
 * server.close();
 * ```
 */
export function koaStatic(root: string, options: KoaStaticOptions = {}): KoaMiddleware {
  const { cache = defaultCache(), defer = false, setHeaders, ...site } = options;
  if (setHeaders !== undefined && typeof setHeaders !== 'function') {
    throw new ArgumentError(`Cannot use setHeaders: a function is wanted, ${describe(setHeaders)} was given`);
  }
  const handler = createSite(root, { ...site, cache, fallthrough: true });
  const middleware: KoaMiddleware = async (context, next) => {
    if (context.method !== 'GET' && context.method !== 'HEAD') return next();
    if (defer) {
      await next();
      if (isAnswered(context)) return undefined;
    }
    const isFirst = context.app.middleware[0] === middleware && !defer;
    const request = requestOf(context, isFirst, setHeaders);
    const answer = await requestAnswer(handler, request, context.res);
    if (answer === undefined) return defer ? undefined : next();
    return isFirst && answer.status < 400 ? sendPast(context, answer) : sendAsBody(context, answer);
  };
  return middleware;
}

/** Options of {@link koaSend}. */
export interface KoaSendOptions extends ChosenFileOptions, SetsHeaders<ServerResponse> {}

/**
 * Answers with a file that a route chose, as koa-send does.
 * @param path absolute, or below `options.root`
 * @returns the path that was sent
 * @throws StatusError where it is not to be had, ERR_IOLITE_ARGUMENT
 */
export async function koaSend(
  context: KoaContext,
  path: string,
  options: KoaSendOptions = {},
): Promise<string> {
  const { setHeaders, ...rest } = options;
  const files = chosenFiles(rest);
  const giving = new AbortController();
  const giveUp = (): void => giving.abort();
  context.res.once('close', giveUp);
  try {
    const found = await files.find(path, giving.signal);
    if (!('snapshot' in found)) {
      const { status, cause } = 'status' in found ? found : { status: 404, cause: undefined };
      throw new StatusError(status, [], cause);
    }
    const answer = files.answer(requestOf(context, false, setHeaders), found);
    sendAsBody(context, answer);
    return found.path;
  } finally {
    context.res.off('close', giveUp);
  }
}

function requestOf(
  { req, res, originalUrl }: KoaContext,
  isFirst: boolean,
  setHeaders: KoaStaticOptions['setHeaders'],
): ServerRequest {
  const stated = (file: ServedFile): Stated | undefined => {
    setHeaders?.(res, file.path, file);
    const [etag, lastModified] = [res.getHeader('ETag'), res.getHeader('Last-Modified')].map(textOf);
    if (etag === undefined && lastModified === undefined) return undefined;
    return { etag, lastModified, isSuccess: true };
  };
  const fidelity = isFirst ? undefined : fidelityBelow(req.headers['accept-encoding'] as string | undefined);
  return serverRequest(req, { response: res, originalTarget: originalUrl, fidelity, stated });
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}

/** Whether somebody has said something: Koa begins with a 404 without a body. */
function isAnswered({ status, body, respond, res }: KoaContext): boolean {
  return status !== 404 || (body ?? undefined) !== undefined || respond === false || res.headersSent;
}

async function sendPast(context: KoaContext, answer: Answer): Promise<void> {
  context.respond = false;
  const own = context.res.getHeaderNames();
  const { headers } = answer;
  const rest = headers.filter((_, at) => !own.includes((headers[at - (at % 2)] as string).toLowerCase()));
  await writeAnswer(context.res, { ...answer, headers: rest }, context.method);
}

/** @throws StatusError for an answer that is an error */
function sendAsBody(context: KoaContext, { status, headers, body }: Answer): void {
  const { res, method } = context;
  if (status >= 400) {
    releaseBody(body);
    throw new StatusError(status, rangeFieldOf(headers));
  }
  context.status = status;
  const own = new Set(res.getHeaderNames());
  if (body !== undefined && method === 'GET') context.body = copiesOf(body);
  else releaseBody(body);
  for (let index = 0; index < headers.length; index += 2) {
    const [name, value] = [headers[index] as string, headers[index + 1] as string];
    if (own.has(name.toLowerCase())) continue;
    if (isRepeated(headers, index)) res.appendHeader(name, value);
    else res.setHeader(name, value);
  }
}
