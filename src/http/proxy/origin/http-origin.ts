import { Readable } from 'node:stream';
import { Pool as Connections, type Dispatcher } from 'undici';
import type { Aggregate } from '../../../aggregate/aggregate.ts';
import { ArgumentError, describe, IoliteError } from '../../../base/error.ts';
import { fieldOf, type HeaderList } from '../../message/header-list.ts';
import type { Exchange, Origin, OriginRequest, Receive } from './origin.ts';
import { isRetryable, originError } from './origin-error.ts';
import { ReceivedBody } from './received-body.ts';

/** Bounds on the origin, in milliseconds and connections. */
export interface OriginLimits {
  /** To connect. Default 10 s. */
  readonly connectTimeout?: number;
  /** Until the head of a response has come. Default 30 s. */
  readonly headersTimeout?: number;
  /** Between two pieces of a body. Default 30 s. */
  readonly bodyTimeout?: number;
  /** How many connections there are at most; more requests wait. Default 256. */
  readonly connections?: number;
}

/** Methods of requests that change nothing (RFC 9110, 9.2.1). */
const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS'];

/** A server behind the proxy, and the connections to it. */
export class HttpOrigin implements Origin {
  /** Scheme, host and port. */
  readonly url: string;
  readonly #connections: Connections;

  /** @throws ERR_IOLITE_ARGUMENT */
  constructor(url: string | URL, limits: OriginLimits = {}) {
    this.url = originOf(url);
    const { connectTimeout = 10_000, headersTimeout = 30_000, bodyTimeout = 30_000 } = limits;
    try {
      this.#connections = new Connections(this.url, {
        connections: limits.connections ?? 256,
        connectTimeout,
        headersTimeout,
        bodyTimeout,
      });
    } catch (cause) {
      throw new ArgumentError(`Cannot use origin: ${(cause as Error).message}`);
    }
  }

  /**
   * Sends a request. One that changes nothing is sent again, once, if the connection was closed before
   * anything came back.
   */
  send<T>(request: OriginRequest, receive: Receive<T>): Exchange<T> {
    const exchange = new HttpExchange(receive);
    const isRepeatable = request.body === undefined && SAFE_METHODS.includes(request.method);
    exchange.start(this.#connections, request, isRepeatable ? 1 : 0);
    return exchange;
  }

  /** Ends the connections; what is under way fails. */
  async close(): Promise<void> {
    await this.#connections.destroy();
  }
}

class HttpExchange<T> implements Exchange<T> {
  readonly received: Promise<T>;
  readonly #receive: Receive<T>;
  readonly #body: ReceivedBody;
  #resolve: (result: T) => void = () => {};
  #reject: (error: Error) => void = () => {};
  #controller: Dispatcher.DispatchController | undefined;
  #aborted = false;
  #hasHead = false;

  constructor(receive: Receive<T>) {
    this.#receive = receive;
    this.received = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#body = new ReceivedBody({
      pause: () => this.#controller?.pause(),
      resume: () => this.#controller?.resume(),
      abort: () => this.abort(),
    });
  }

  start(connections: Connections, request: OriginRequest, retries: number): void {
    const requestedAt = Date.now();
    const { method, path, headers } = request;
    const body =
      request.body === undefined ? null : Readable.from(bytesOf(request.body), { objectMode: false });
    connections.dispatch(
      { method: method as Dispatcher.HttpMethod, path, headers: [...headers], body },
      {
        onRequestStart: controller => {
          this.#controller = controller;
          if (this.#aborted) controller.abort(aborted());
        },
        onResponseStart: (controller, status) => {
          if (status < 200) return;
          const { rawHeaders } = controller;
          const lines = (rawHeaders as Buffer[]).map(each => each.toString('latin1'));
          const problem = problemOf(status, lines);
          if (problem !== undefined) {
            controller.abort(new IoliteError('ERR_IOLITE_PROTOCOL', `The origin answered with ${problem}`));
            return;
          }
          this.#hasHead = true;
          const head = { status, headers: lines, requestedAt, receivedAt: Date.now() };
          this.#resolve(this.#receive(head, this.#body));
        },
        onResponseData: (_, bytes) => this.#body.push(bytes),
        onResponseEnd: () => this.#body.end(),
        onResponseError: (_, cause) => {
          const error = originError(cause, this.#hasHead);
          if (isRetryable(error) && !this.#aborted && retries > 0) {
            this.start(connections, request, retries - 1);
            return;
          }
          this.#reject(error);
          this.#body.fail(error);
        },
      },
    );
  }

  abort(): void {
    this.#aborted = true;
    this.#controller?.abort(aborted());
  }
}

/**
 * A copy of what aggregates hold: it may wait in a socket's buffers when the pool has its buffers back. When
 * the origin wants no more of it, reading is left off, and not ended: that would take the client's connection
 * with it, and what the origin says.
 */
async function* bytesOf(body: AsyncIterable<Aggregate>): AsyncGenerator<Buffer> {
  const pieces = body[Symbol.asyncIterator]();
  for (let { done, value } = await pieces.next(); done !== true; { done, value } = await pieces.next()) {
    using piece: Aggregate = value;
    yield piece.toBuffer();
  }
}

function originOf(url: unknown): string {
  if ((typeof url === 'string' || url instanceof URL) && URL.canParse(String(url))) {
    const { protocol, origin, pathname, search, username, hash } = new URL(String(url));
    const isOrigin = pathname === '/' && search === '' && username === '' && hash === '';
    if (isOrigin && (protocol === 'http:' || protocol === 'https:')) return origin;
  }
  throw new ArgumentError(
    `Cannot use origin: a URL of http or https without a path is wanted, ${describe(url)} was given`,
  );
}

/** Why a response cannot be passed on, or undefined if it can. */
function problemOf(status: number, headers: HeaderList): string | undefined {
  if (status > 599) return `status ${status}`;
  // Nobody asked for another one (TE), which would stay in the bytes while its name is taken off.
  const coding = fieldOf(headers, 'transfer-encoding');
  const isKnown = coding === undefined || coding.trim().toLowerCase() === 'chunked';
  return isKnown ? undefined : `transfer coding ${JSON.stringify(coding.slice(0, 40))}`;
}

function aborted(): Error {
  return new DOMException('Nobody waits for the response any more', 'AbortError');
}
