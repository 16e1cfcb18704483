import { ArgumentError, describe } from '../../base/error.ts';
import type { FileCache } from '../../file/cache/file-cache.ts';
import { releaseBody } from '../message/body.ts';
import type { Answer, ServerRequest } from '../message/exchange.ts';
import { rangeFieldOf } from '../message/header-list.ts';
import { statusAnswer } from '../message/status-answer.ts';
import { StatusError } from '../message/status-error.ts';
import { defaultCache } from '../site/default-cache.ts';
import { createSite, type StaticSite } from '../site/site.ts';
import type { SiteOptions } from '../site/site-options.ts';
import { type NodeRequest, requestAnswer, serverRequest, writeAnswer } from './node-adapter.ts';
import type { NodeResponse } from './response-way.ts';
import { sendAnswer } from './send-answer.ts';
import { HeaderSetting, type SetsHeaders } from './set-headers.ts';

/** Options of {@link serveStatic}: those of the package serve-static, and more. */
export interface ServeStaticOptions<Response = NodeResponse>
  extends Omit<SiteOptions, 'headers'>,
    SetsHeaders<Response> {
  /** Where files are kept. Default: one cache of 64 MiB for all that this process serves. */
  readonly cache?: FileCache;
  /**
   * Leaves to `next` what there is no file for. Default true. False: `next` gets an error with the status.
   * (Without a `next` the middleware answers itself.)
   */
  readonly fallthrough?: boolean;
}

/** A middleware for Connect, Express and the like, and a request listener of node:http and node:http2. */
export type StaticMiddleware<Response = NodeResponse> = (
  request: NodeRequest,
  response: Response,
  next?: (error?: unknown) => void,
) => void;

/**
 * A middleware that serves the files of a directory from a file cache: each is read once, and sent from the
 * memory it was read to. It has the options and the behaviour of the package serve-static, at a multiple of
 * its speed; see docs/http.md for where it is stricter.
 * @param root the directory. It need not be there yet
 * @throws ERR_IOLITE_ARGUMENT
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { once } from 'node:events';
 * import { createServer } from 'node:http';
 * import type { AddressInfo } from 'node:net';
 * import { serveStatic } from 'iolite/http';
 *
 * const server = createServer(serveStatic('examples/site', { maxAge: '1 day' })).listen(0);
 * await once(server, 'listening');
 * const { port } = server.address() as AddressInfo;
 * const response = await fetch(`http://localhost:${port}/style.css`);
 * assert.equal(response.headers.get('Cache-Control'), 'public, max-age=86400');
 * server.close();
 * ```
 */
export function serveStatic<Response extends NodeResponse = NodeResponse>(
  root: string,
  options?: ServeStaticOptions<Response> | null,
): StaticMiddleware<Response> {
  if (typeof root !== 'string' || root === '') {
    throw new ArgumentError(
      `Cannot serve files: root path required, as a string; ${describe(root)} was given`,
    );
  }
  if (typeof (options ?? {}) !== 'object') {
    throw new ArgumentError(`Cannot serve files: options are wanted, ${describe(options)} was given`);
  }
  const { cache, fallthrough, setHeaders, ...site } = options ?? {};
  if (setHeaders !== undefined && typeof setHeaders !== 'function') {
    throw new ArgumentError(`Cannot use setHeaders: a function is wanted, ${describe(setHeaders)} was given`);
  }
  const middleware = new Middleware(
    createSite(root, { wellKnown: false, ...site, cache: cache ?? defaultCache() }),
    fallthrough !== false,
    setHeaders,
    new Set(Object.keys(site.errorPages ?? {}).map(Number)),
  );
  return (request, response, next) => middleware.handle(request, response, next);
}

class Middleware {
  readonly #site: StaticSite;
  readonly #fallthrough: boolean;
  readonly #setHeaders: ServeStaticOptions['setHeaders'];
  /** Statuses that have a page. */
  readonly #pages: ReadonlySet<number>;

  constructor(
    site: StaticSite,
    fallthrough: boolean,
    setHeaders: ServeStaticOptions['setHeaders'],
    pages: ReadonlySet<number>,
  ) {
    this.#site = site;
    this.#fallthrough = fallthrough;
    this.#setHeaders = setHeaders;
    this.#pages = pages;
  }

  handle(incoming: NodeRequest, response: NodeResponse, next: ((error?: unknown) => void) | undefined): void {
    const { method } = incoming;
    if (method !== 'GET' && method !== 'HEAD' && this.#fallthrough && next !== undefined) {
      next();
      return;
    }
    const { url = '/', originalUrl = url } = incoming as { url?: string; originalUrl?: string };
    const setting = new HeaderSetting(response, this.#setHeaders);
    const request = serverRequest(incoming, {
      response,
      target: tidyTarget(url),
      originalTarget: tidyTarget(originalUrl),
      stated: setting.stated,
    });
    this.#handle(request, response, setting, next).catch(error => {
      if (next !== undefined) next(error);
      else if (response.headersSent) response.destroy();
      else writeAnswer(response, statusAnswer(500), method).catch(() => response.destroy());
    });
  }

  async #handle(
    request: ServerRequest,
    response: NodeResponse,
    setting: HeaderSetting,
    next: ((error?: unknown) => void) | undefined,
  ): Promise<void> {
    const answering = requestAnswer(this.#site, request, response);
    // Not to wait for what is there spares a turn.
    const answer = answering instanceof Promise ? await answering : answering;
    // Nobody is there any more.
    if (answer === undefined) return;
    if (setting.failure !== undefined) {
      releaseBody(answer.body);
      throw setting.failure.error;
    }
    if (next === undefined || answer.status < 400) await sendAnswer(response, answer, request.method);
    else await this.#refuse(request, response, answer, next);
  }

  /** An error goes to `next`, as an error or as if nothing had been asked here; or it has a page. */
  async #refuse(
    request: ServerRequest,
    response: NodeResponse,
    answer: Answer,
    next: (error?: unknown) => void,
  ): Promise<void> {
    const { status, headers, body, file } = answer;
    const passes = this.#fallthrough && file === undefined && status < 500;
    if (!passes && (status === 405 || this.#pages.has(status)))
      return sendAnswer(response, answer, request.method);
    releaseBody(body);
    if (passes) {
      next();
      return;
    }
    const fields = rangeFieldOf(headers);
    // Also for who answers the error without a look at its fields.
    if (fields[1] !== undefined && !response.headersSent) response.setHeader('Content-Range', fields[1]);
    next(new StatusError(status, fields));
  }
}

/**
 * A target as serve-static takes it: runs of slashes in the path as one, and what others have put there
 * decoded, as a space, encoded.
 */
function tidyTarget(target: string): string {
  const isUri = !/[^\x21-\x7e]/.test(target);
  if (isUri && !target.includes('//')) return target;
  const [, origin = '', path = '', query = ''] = /^(https?:\/\/[^/?]*)?([^?]*)(.*)$/is.exec(target) ?? [];
  const merged = path.replace(/\/{2,}/g, '/');
  const encoded = isUri ? merged : merged.replace(/[^\x21-\x7e]+/gu, encodeText);
  return origin + encoded + query;
}

/** What is no text stays as it is, and names nothing. */
function encodeText(text: string): string {
  try {
    return encodeURI(text);
  } catch {
    return text;
  }
}
