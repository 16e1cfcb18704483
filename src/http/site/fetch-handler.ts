import { Aggregate } from '../../aggregate/aggregate.ts';
import type { FileCache } from '../../file/cache/file-cache.ts';
import type { Answer, ServerRequest } from '../message/exchange.ts';
import { pairsOf } from '../message/header-list.ts';
import { answerOf } from '../message/promised-answer.ts';
import { statusAnswer } from '../message/status-answer.ts';
import { defaultCache } from './default-cache.ts';
import { createSite } from './site.ts';
import type { SiteOptions } from './site-options.ts';

/** Options of {@link fetchHandler}. */
export interface FetchHandlerOptions extends Omit<SiteOptions, 'fallthrough' | 'earlyHints'> {
  /** Where files are kept. Default: one cache of 64 MiB for all that this process serves. */
  readonly cache?: FileCache;
}

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
): (request: Request) => Promise<Response> {
  const site = createSite(root, { ...options, cache: options?.cache ?? defaultCache() });
  return async request => {
    const asked = new FetchedRequest(request);
    const answer = await answerOf(site, asked, request.signal);
    return responseOf(answer ?? statusAnswer(404), request.method);
  };
}

/** A Request, as handlers see it. */
class FetchedRequest implements ServerRequest {
  readonly method: string;
  readonly target: string;
  readonly secure: boolean;
  readonly remoteAddress = undefined;
  /** Sites read none. */
  readonly body = undefined;
  readonly #request: Request;

  constructor(request: Request) {
    const { protocol, pathname, search } = new URL(request.url);
    this.#request = request;
    this.method = request.method;
    this.target = pathname + search;
    this.secure = protocol === 'https:';
  }

  get rawHeaders(): readonly string[] {
    return [...this.#request.headers].flat();
  }

  header(name: string): string | undefined {
    return this.#request.headers.get(name) ?? undefined;
  }
}

function responseOf({ status, headers, body }: Answer, method: string): Response {
  const init = { status, headers: pairsOf(headers) };
  if (body === undefined) return new Response(null, init);
  if (!Aggregate.isAggregate(body)) return new Response(streamOf(body), init);
  try {
    if (method === 'HEAD') return new Response(null, init);
    return new Response(body.length <= SMALL_BYTES ? body.toBuffer() : body.toReadableStream(), init);
  } finally {
    body.release();
  }
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
