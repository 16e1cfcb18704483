/**
 * Files from the cache for Express: what res.sendFile(), res.download() and express.static() do.
 * @packageDocumentation
 */
import { isAbsolute, resolve } from 'node:path';
import { ArgumentError, describe, IoliteError } from '../base/error.ts';
import type { SharedCache } from '../cache/shared-cache.ts';
import { attachmentOf } from '../http/message/content-disposition.ts';
import type { NodeRequest } from '../http/node/node-adapter.ts';
import { isGone } from '../http/node/node-response.ts';
import type { NodeResponse } from '../http/node/response-way.ts';
import { type SendFileOptions, send } from '../http/node/send.ts';
import {
  ResponseCache,
  type ResponseCacheMiddleware,
  type ResponseCacheOptions,
} from '../http/response-cache/response-cache.ts';

export { type ServeStaticOptions, serveStatic } from '../http/node/serve-static.ts';
export type { ResponseCacheMiddleware, ResponseCacheOptions } from '../http/response-cache/response-cache.ts';

/** Options of {@link sendFile} and {@link download}: those of Express, and where files are kept. */
export interface FileOptions extends SendFileOptions {
  /** More fields of the answer. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined;
}

/** Told when the file was sent, or why it was not; then nobody else answers. */
export type FileCallback = (error?: Error) => void;

/** What is used of Express, which therefore need not be installed for iolite's sake. */
type Response = NodeResponse & {
  readonly req: NodeRequest & { next?: ((error?: unknown) => void) | undefined };
  readonly app?: { enabled(setting: string): boolean };
};

/**
 * Sends a file that a route chose, as `response.sendFile(path, options, done)` does, from the cache.
 * @param path absolute, or below `options.root`
 * @param done told how it ended; otherwise errors go to the next error handler, and a directory to the next
 *   route
 * @throws ERR_IOLITE_ARGUMENT
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { once } from 'node:events';
 * import type { AddressInfo } from 'node:net';
 * import express from 'express';
 * import { download, sendFile } from 'iolite/express';
 *
 * const app = express();
 * const root = 'examples/site';
 * app.get('/guide', (_request, response) => sendFile(response, 'guide/index.html', { root }));
 * app.get('/style', (_request, response) => download(response, 'style.css', 'site.css', { root }));
 * const server = app.listen(0);
 * await once(server, 'listening');
 * const { port } = server.address() as AddressInfo;
 * assert.equal((await fetch(`http://localhost:${port}/guide`)).status, 200);
 * const { headers } = await fetch(`http://localhost:${port}/style`);
 * assert.equal(headers.get('Content-Disposition'), 'attachment; filename=site.css');
 * server.close();
 * ```
 */
export function sendFile(response: NodeResponse, path: string, done?: FileCallback): void;
export function sendFile(
  response: NodeResponse,
  path: string,
  options?: FileOptions | null,
  done?: FileCallback,
): void;
export function sendFile(
  response: NodeResponse,
  path: string,
  second?: FileOptions | FileCallback | null,
  third?: FileCallback,
): void {
  const done = typeof second === 'function' ? second : third;
  const options = (typeof second === 'function' ? undefined : second) ?? {};
  if (typeof path !== 'string') {
    throw new ArgumentError(`Cannot send a file: path must be a string, ${describe(path)} was given`);
  }
  if (!options.root && !isAbsolute(path)) {
    throw new ArgumentError(
      `Cannot send a file: path must be absolute or specify root, ${describe(path)} was given`,
    );
  }
  transfer(response as Response, path, options, done);
}

/**
 * Sends a file to be saved, as `response.download(path, filename, options, done)` does, from the cache.
 * Takes what it is to be called (default: the file's own name), options, and who is told how it ended, as
 * {@link sendFile} does. All of them may be left out.
 * @throws ERR_IOLITE_ARGUMENT
 */
export function download(response: NodeResponse, path: string, done?: FileCallback): void;
export function download(
  response: NodeResponse,
  path: string,
  filename: string | null | undefined,
  done?: FileCallback,
): void;
export function download(
  response: NodeResponse,
  path: string,
  options: FileOptions,
  done?: FileCallback,
): void;
export function download(
  response: NodeResponse,
  path: string,
  filename: string | null | undefined,
  options: FileOptions | null | undefined,
  done?: FileCallback,
): void;
export function download(response: NodeResponse, path: string, ...rest: readonly unknown[]): void {
  const given = rest.filter(each => each !== undefined && each !== null);
  const filename = given.find(each => typeof each === 'string');
  const done = given.find(each => typeof each === 'function') as FileCallback | undefined;
  const options = (given.find(each => typeof each === 'object') ?? {}) as FileOptions;
  const named = Object.entries(options.headers ?? {}).filter(
    ([name]) => name.toLowerCase() !== 'content-disposition',
  );
  const headers = { ...Object.fromEntries(named), 'Content-Disposition': attachmentOf(filename ?? path) };
  const full = options.root ? path : resolve(path);
  sendFile(response, full, { ...options, headers }, done);
}

/**
 * A middleware that keeps responses to GET in a shared cache, for all processes, by the rules of the proxy:
 * those that say how long they are right (Cache-Control, Expires) and are for all. One of all processes makes
 * a response, for which the others wait. Other methods that succeed make what is kept of their target
 * forgotten.
 * @param cache stays the caller's to close. If it fails, the application answers
 * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { once } from 'node:events';
 * import type { AddressInfo } from 'node:net';
 * import express from 'express';
 * import { sharedCache } from 'iolite/cache';
 * import { cacheResponses } from 'iolite/express';
 *
 * const cache = sharedCache('example-responses', { budget: 64 * 1024 ** 2 });
 * const app = express();
 * let times = 0;
 * app.get('/products', cacheResponses(cache, { tags: () => ['products'] }), (_request, response) => {
 *   response.set('Cache-Control', 'max-age=60').json({ times: ++times });
 * });
 * const server = app.listen(0);
 * await once(server, 'listening');
 * const { port } = server.address() as AddressInfo;
 * const get = async () => (await fetch(`http://localhost:${port}/products`)).json();
 * assert.deepEqual([await get(), await get()], [{ times: 1 }, { times: 1 }]);
 * await cache.invalidate({ tags: ['products'] });
 * assert.deepEqual(await get(), { times: 2 });
 * server.close();
 * await cache.close();
 * ```
 */
export function cacheResponses(
  cache: SharedCache,
  options: ResponseCacheOptions = {},
): ResponseCacheMiddleware {
  const responses = new ResponseCache(cache, options);
  return (request, response, next) => responses.handle(request, response, next);
}

function transfer(
  response: Response,
  path: string,
  options: FileOptions,
  done: FileCallback | undefined,
): void {
  const { headers = {}, ...rest } = options;
  const { req: request, app } = response;
  const etag = app === undefined ? {} : { etag: app.enabled('etag') };
  let isOver = false;
  const end = (error?: Error): void => {
    if (isOver) return;
    isOver = true;
    if (done !== undefined) done(error);
    else if (error !== undefined) pass(error, request.next);
  };
  if (isGone(response)) {
    queueMicrotask(() => end(aborted()));
    return;
  }
  const sending = send(request, encodeURI(path).replace(/[?#]/g, encodeURIComponent), { ...rest, ...etag });
  sending.on('headers', () => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value as string);
  });
  sending.on('directory', () => end(new IoliteError('EISDIR', 'EISDIR, read')));
  sending.on('error', end);
  response.once('finish', () => end());
  response.once('close', () => end(aborted()));
  sending.pipe(response);
}

function aborted(): IoliteError {
  return new IoliteError('ECONNABORTED', 'Request aborted');
}

/** To whoever answers next: a directory is for another route, and who is gone is nobody's concern. */
function pass(error: Error, next: ((error?: unknown) => void) | undefined): void {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EISDIR') next?.();
  else if (code !== 'ECONNABORTED') next?.(error);
}
