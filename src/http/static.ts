import { realpathSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import fresh from 'fresh';
import type { FileCache, Snapshot } from '../file/file-cache.ts';
import { sendAggregate } from '../network/send.ts';
import { answerStatus, statusOf } from './failure.ts';
import { parseTarget, type RequestTarget } from './request-target.ts';

/** Answers a request; with `next`, leaves what it has no file or method for to it. */
export type StaticHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void;

const INDEX = 'index.html';

/**
 * A handler for node:http that answers GET and HEAD with files of a directory, from a file cache: the body is
 * sent from the memory that all processes share, and released when the client has it or is gone.
 *
 * Targets are read strictly (see parseTarget). That no symbolic link leads out of the directory is for the
 * cache's owner to see to: OwnedFileCache.serve(channel, { root }).
 * @throws what realpath says of `root`
 */
export function createStaticHandler(root: string, cache: FileCache): StaticHandler {
  const folder = realpathSync(root);
  return (request, response, next) => {
    const { method = 'GET', url = '/' } = request;
    if (method !== 'GET' && method !== 'HEAD') {
      if (next !== undefined) next();
      else answerStatus(request, response, 405, { Allow: 'GET, HEAD' });
      return;
    }
    const target = parseTarget(url);
    if (typeof target === 'number') {
      if (next !== undefined && target === 404) next();
      else answerStatus(request, response, target);
      return;
    }
    const path = join(folder, target.path.endsWith('/') ? target.path + INDEX : target.path);
    answerFile(cache, path, request, response).catch(error => {
      answerFailure(error, target, request, response, next);
    });
  };
}

async function answerFile(
  cache: FileCache,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const snapshot = cache.peek(path) ?? (await readUnlessGone(cache, path, response));
  if (snapshot === undefined) return;
  try {
    const { size, etag, mtimeMs, mediaType } = snapshot;
    const lastModified = new Date(mtimeMs).toUTCString();
    const validators = { ETag: etag, 'Last-Modified': lastModified, 'Cache-Control': 'no-cache' };
    if (fresh(request.headers, { etag, 'last-modified': lastModified })) {
      response.writeHead(304, validators);
      response.end();
      return;
    }
    response.writeHead(200, {
      'Content-Type': mediaType,
      'Content-Length': size,
      'X-Content-Type-Options': 'nosniff',
      ...validators,
    });
    if (request.method === 'GET') {
      using content = await snapshot.read();
      await sendAggregate(response, content);
    }
    response.end();
  } finally {
    snapshot.release();
  }
}

/** Reads a file; gives up, and says so by nothing, when the client closes before it is there. */
async function readUnlessGone(
  cache: FileCache,
  path: string,
  response: ServerResponse,
): Promise<Snapshot | undefined> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  response.once('close', abort);
  try {
    return await cache.snapshot(path, { signal: controller.signal });
  } catch (error) {
    if (controller.signal.aborted) return undefined;
    throw error;
  } finally {
    response.off('close', abort);
  }
}

function answerFailure(
  error: unknown,
  target: RequestTarget,
  request: IncomingMessage,
  response: ServerResponse,
  next: ((error?: unknown) => void) | undefined,
): void {
  if (response.headersSent) {
    // The client was promised more bytes than it will get: only the connection's end can tell it.
    response.destroy();
    return;
  }
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EISDIR' && !target.path.endsWith('/')) {
    answerStatus(request, response, 301, { Location: `${target.rawPath}/${target.query}` });
    return;
  }
  const status = statusOf(error);
  if (status === 404 && next !== undefined) next();
  else answerStatus(request, response, status);
}
