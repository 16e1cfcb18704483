import { EventEmitter } from 'node:events';
import { STATUS_CODES } from 'node:http';
import { ArgumentError, checkOptionNames, describe, optionNames } from '../../base/error.ts';
import { releaseBody } from '../message/body.ts';
import type { Answer, ServerRequest } from '../message/exchange.ts';
import { type HeaderList, rangeFieldOf } from '../message/header-list.ts';
import { pageAnswer, redirectAnswer } from '../message/status-answer.ts';
import { StatusError } from '../message/status-error.ts';
import { type ChosenFileOptions, type ChosenFiles, chosenFiles } from '../site/chosen-files.ts';
import type { FoundFile } from '../site/site-files.ts';
import { type NodeRequest, serverRequest, writeAnswer } from './node-adapter.ts';
import { isGone } from './node-response.ts';
import type { NodeResponse } from './response-way.ts';
import { sendAnswer } from './send-answer.ts';
import { HeaderSetting, type SentFile } from './set-headers.ts';

/** Options of {@link send}: those of the package of that name, and where files are kept. */
export interface SendFileOptions extends ChosenFileOptions {
  /** The first byte to send: what is before it is not there for the request. Default 0. */
  readonly start?: number | undefined;
  /** The last byte to send. Default: that of the file. */
  readonly end?: number | undefined;
}

/** What a {@link SendStream} tells. Who listens to `error` or `directory` answers these itself. */
export interface SendEvents {
  /** Before any field is set: those that are set now stay. */
  headers: [response: NodeResponse, path: string, file: SentFile];
  /** The file that is about to be sent. */
  file: [path: string, file: SentFile];
  /** The path names a directory. */
  directory: [response: NodeResponse, path: string];
  /** There is no such file, or a condition of the request fails. */
  error: [error: StatusError];
  /** The response has taken all. */
  end: [];
}

/**
 * Sends one file from the cache, as the package send does: conditions, ranges, fields, and nothing outside of
 * the root.
 * @param path percent-encoded, as it is in a URL
 * @returns what sends it, once it is told where to: `send(request, path, { root }).pipe(response)`
 * @throws ERR_IOLITE_ARGUMENT
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { once } from 'node:events';
 * import { createServer } from 'node:http';
 * import type { AddressInfo } from 'node:net';
 * import { send } from 'iolite/http';
 *
 * const server = createServer((request, response) => {
 *   send(request, '/style.css', { root: 'examples/site', start: 0, end: 9 }).pipe(response);
 * }).listen(0);
 * await once(server, 'listening');
 * const { port } = server.address() as AddressInfo;
 * const response = await fetch(`http://localhost:${port}/`);
 * assert.equal((await response.text()).length, 10);
 * server.close();
 * ```
 */
export function send(request: NodeRequest, path: string, options?: SendFileOptions | null): SendStream {
  return new SendStream(request, path, options ?? {});
}

const NAMES = optionNames<SendFileOptions>({
  acceptRanges: true,
  cacheControl: true,
  dotfiles: true,
  encodings: true,
  etag: true,
  extensions: true,
  immutable: true,
  index: true,
  lastModified: true,
  maxAge: true,
  maxage: true,
  symlinks: true,
  root: true,
  cache: true,
  start: true,
  end: true,
});

/** One file on its way: see {@link send}. */
export class SendStream extends EventEmitter<SendEvents> {
  readonly #request: NodeRequest;
  readonly #path: string;
  readonly #options: SendFileOptions;
  readonly #files: ChosenFiles;

  constructor(request: NodeRequest, path: string, options: SendFileOptions) {
    super();
    if (typeof path !== 'string') {
      throw new ArgumentError(`Cannot send a file: a path is wanted, ${describe(path)} was given`);
    }
    checkOptionNames(options, NAMES, 'send a file');
    const { start = 0, end = Number.POSITIVE_INFINITY } = options;
    if (!(start >= 0) || !(end >= 0)) {
      throw new ArgumentError(
        `Cannot send a file: a range is wanted, ${describe(start)} to ${describe(end)} was given`,
      );
    }
    this.#request = request;
    this.#path = path;
    this.#options = options;
    // Without a root it is the path that says where, through links as well.
    const symlinks = options.symlinks ?? (options.root === undefined ? 'follow' : 'inside');
    this.#files = chosenFiles({ ...options, root: options.root || undefined, symlinks });
  }

  /** Sends it. @returns the response at once: `end` tells that all was taken */
  pipe<Response extends NodeResponse>(response: Response): Response {
    this.#send(response).catch(cause => this.#fail(response, 500, [], cause));
    return response;
  }

  async #send(response: NodeResponse): Promise<void> {
    const path = decoded(this.#path);
    if (path === undefined) return this.#fail(response, 400);
    const giving = new AbortController();
    const giveUp = (): void => giving.abort();
    response.once('close', giveUp);
    let found: Awaited<ReturnType<ChosenFiles['find']>>;
    try {
      found = await this.#files.find(path, giving.signal);
    } catch (error) {
      if (isGone(response)) return;
      throw error;
    } finally {
      response.off('close', giveUp);
    }
    if ('status' in found) return this.#fail(response, found.status, [], found.cause);
    if ('directory' in found) return this.#sendDirectory(response, found.directory);
    return this.#sendFile(response, path, found);
  }

  async #sendFile(response: NodeResponse, path: string, found: FoundFile): Promise<void> {
    const setting = new HeaderSetting(response, (_, name, file) => {
      this.emit('file', name, file);
      this.emit('headers', response, name, file);
    });
    const request = serverRequest(this.#request, { response, target: path, stated: setting.stated });
    const answer = this.#answer(request, found);
    if (setting.failure !== undefined || answer.status >= 400) {
      releaseBody(answer.body);
      if (setting.failure !== undefined) throw setting.failure.error;
      return this.#fail(response, answer.status, rangeFieldOf(answer.headers));
    }
    await sendAnswer(response, answer, request.method);
    this.emit('end');
  }

  #answer(request: ServerRequest, found: FoundFile): Answer {
    const { start, end } = this.#options;
    if (start === undefined && end === undefined) return this.#files.answer(request, found);
    return this.#files.answer(request, found, { start, end: end === undefined ? undefined : end + 1 });
  }

  async #sendDirectory(response: NodeResponse, path: string): Promise<void> {
    if (this.listenerCount('directory') > 0) this.emit('directory', response, path);
    else if (this.#path.endsWith('/')) await this.#fail(response, 403);
    else {
      response.statusCode = 301;
      const redirect = redirectAnswer(`${encodeURI(this.#path).replace(/%25/g, '%')}/`);
      await writeAnswer(response, redirect, this.#request.method);
    }
  }

  /** Tells of an error, or answers with it in place of all that was said. */
  async #fail(
    response: NodeResponse,
    status: number,
    fields: HeaderList = [],
    cause?: unknown,
  ): Promise<void> {
    const [, range] = fields;
    if (range !== undefined && !response.headersSent) response.setHeader('Content-Range', range);
    if (this.listenerCount('error') > 0) this.emit('error', new StatusError(status, fields, cause));
    else if (response.headersSent) response.destroy();
    else {
      for (const name of response.getHeaderNames()) response.removeHeader(name);
      const page = pageAnswer(status, 'Error', STATUS_CODES[status] ?? String(status), fields);
      await writeAnswer(response, page, this.#request.method);
    }
  }
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
