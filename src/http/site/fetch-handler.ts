import { Aggregate } from '../../aggregate/aggregate.ts';
import { ArgumentError, describe } from '../../base/error.ts';
import type { FileCache } from '../../file/cache/file-cache.ts';
import type { Answer, Fidelity, ServerRequest } from '../message/exchange.ts';
import { pairsOf } from '../message/header-list.ts';
import { answerOf } from '../message/promised-answer.ts';
import { statusAnswer } from '../message/status-answer.ts';
import { defaultCache } from './default-cache.ts';
import { createSite } from './site.ts';
import type { SiteOptions } from './site-options.ts';

/** Options of {@link fetchHandler}. */
export interface FetchHandlerOptions extends Omit<SiteOptions, 'fallthrough' | 'earlyHints'> {
  /** Where files are kept. Default: one cache of 64 MiB for all that this process serves. */
  readonly cache?: FileCache | undefined;
  /**
   * What the paths of requests begin with that is not below the directory, as '/site'. Other paths name
   * nothing. Default: nothing. Leave it away where somebody else takes it off, as `app.mount` in Hono does.
   */
  readonly prefix?: string | undefined;
}

/** Who answers what there is no file for. */
type NextHandler = () => Response | Promise<Response>;

/** Up to this size a body is copied at once: that costs less than a stream. */
const SMALL_BYTES = 64 * 1024;

/**
 * A handler in the terms of the Fetch standard, as Hono, Bun's and Deno's servers and service workers have
 * them, that answers with the files of a directory. Bodies are streams of bytes that copy from the one memory
 * as they are read, as the consumers of such streams may change what they get.
 * @param root the directory. It need not be there yet
 * @throws ERR_IOLITE_ARGUMENT
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { fetchHandler } from 'iolite/http';
 *
 * const handler = fetchHandler('examples/site');
 * const headers = { Range: 'bytes=0-9' };
 * const response = await handler(new Request('http://localhost/style.css', { headers }));
 * assert.equal(response.status, 206);
 * assert.equal((await response.arrayBuffer()).byteLength, 10);
 * ```
 */
export function fetchHandler(
  root: string,
  options: FetchHandlerOptions = {},
): (request: Request, next?: unknown) => Promise<Response> {
  const { cache = defaultCache(), prefix = '', ...site } = options ?? {};
  if (typeof prefix !== 'string' || (prefix !== '' && !prefix.startsWith('/'))) {
    throw new ArgumentError(`Cannot use prefix: a path as '/site' is wanted, ${describe(prefix)} was given`);
  }
  const refusing = createSite(root, { ...site, cache });
  const leaving = createSite(root, { ...site, cache, fallthrough: true });
  return async (request, next) => {
    const asked = new FetchedRequest(request, prefix.replace(/\/+$/, ''));
    // Others than Hono's are told of other things, as of the environment.
    const others = typeof next === 'function' ? (next as NextHandler) : undefined;
    const isBelow = asked.target !== '';
    const handler = others === undefined ? refusing : leaving;
    const answer = isBelow ? await answerOf(handler, asked, request.signal) : undefined;
    if (answer === undefined && others !== undefined) return others();
    return responseOf(answer ?? statusAnswer(404), request);
  };
}

/** A Request, as handlers see it. */
export class FetchedRequest implements ServerRequest {
  readonly method: string;
  /** Empty where the path does not begin with the prefix. */
  readonly target: string;
  readonly originalTarget: string | undefined;
  readonly fidelity: Fidelity | undefined;
  readonly secure: boolean;
  readonly remoteAddress = undefined;
  /** Sites read none. */
  readonly body = undefined;
  readonly #request: Request;

  constructor(request: Request, prefix = '', fidelity?: Fidelity) {
    const { protocol, pathname, search } = new URL(request.url);
    const isBelow = pathname === prefix || pathname.startsWith(`${prefix}/`);
    this.originalTarget = prefix === '' ? undefined : pathname + search;
    this.fidelity = fidelity;
    this.#request = request;
    this.method = request.method;
    this.target = isBelow ? (pathname.slice(prefix.length) || '/') + search : '';
    this.secure = protocol === 'https:';
  }

  get rawHeaders(): readonly string[] {
    return [...this.#request.headers].flat();
  }

  header(name: string): string | undefined {
    return this.#request.headers.get(name) ?? undefined;
  }
}

/** An answer as a Response. @param answer its body is taken over */
export function responseOf({ status, headers, body }: Answer, { method, url }: Request): Response {
  const pairs = pairsOf(headers);
  const init = { status, headers: status === 301 ? pairs.map(pair => relative(pair, url)) : pairs };
  if (body === undefined) return new Response(null, init);
  if (!Aggregate.isAggregate(body)) return new Response(streamOf(body), init);
  try {
    if (method === 'HEAD') return new Response(null, init);
    return new Response(body.length <= SMALL_BYTES ? body.toBuffer() : body.toReadableStream(), init);
  } finally {
    body.release();
  }
}

/**
 * A Location of the same directory as seen from the request: it leads there, too, where somebody has taken
 * off what the path begins with.
 */
function relative([name, value]: [string, string], url: string): [string, string] {
  const { pathname } = new URL(url);
  const directory = pathname.slice(0, pathname.lastIndexOf('/') + 1);
  if (name !== 'Location' || !value.startsWith(`${pathname}/`)) return [name, value];
  return [name, `./${value.slice(directory.length)}`];
}

function streamOf(body: AsyncIterable<Aggregate>): ReadableStream<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  return new ReadableStream(
    {
      type: 'bytes',
      async pull(controller) {
        const { done, value } = await nextWithBytes(iterator);
        if (done === true) {
          controller.close();
          controller.byobRequest?.respond(0);
          return;
        }
        // The stream takes the ArrayBuffer away: it must be no part of Node's pool of small Buffers.
        const bytes = Buffer.allocUnsafeSlow(value.length);
        value.copyTo(bytes);
        value.release();
        controller.enqueue(bytes);
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/** A stream of bytes refuses pieces without any. */
async function nextWithBytes(iterator: AsyncIterator<Aggregate>): Promise<IteratorResult<Aggregate>> {
  for (;;) {
    const result = await iterator.next();
    if (result.done === true || result.value.length > 0) return result;
    result.value.release();
  }
}
