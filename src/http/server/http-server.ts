import { createServer, type IncomingMessage, Server as NodeServer, type ServerResponse } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createPool, type Pool } from '../../aggregate/pool.ts';
import { checkInteger, IoliteError, systemError } from '../../base/error.ts';
import type { Answered } from '../fast-lane/delivery-report.ts';
import { attachFastLane, type FastLane } from '../fast-lane/fast-lane.ts';
import type { Handler, ServerRequest } from '../message/exchange.ts';
import { statusAnswer } from '../message/status-answer.ts';
import { type NodeRequest, requestAnswer, serverRequest, writeAnswer } from '../node/node-adapter.ts';
import type { NodeResponse } from '../node/node-response.ts';
import type { AccessLog } from './access-log.ts';
import { accessRecord } from './access-record.ts';
import { CompleteHandler } from './complete-handler.ts';
import { Drain, GRACE } from './drain.ts';

/** Bounds on what clients may ask for. Times in milliseconds, 0 for no bound. */
export interface ServerLimits {
  /** For the head of a request: 408 beyond. Default 30,000. */
  readonly headersTimeout?: number | undefined;
  /** For a request with its body: 408 beyond. Default 300,000. */
  readonly requestTimeout?: number | undefined;
  /** Between two requests on a connection. Default 5000. */
  readonly keepAliveTimeout?: number | undefined;
  /** For a connection on which nothing moves. Default 120,000. */
  readonly idleTimeout?: number | undefined;
  /** Bytes of a request's head: 431 beyond. Default 16 KiB. */
  readonly maxHeaderSize?: number | undefined;
  /** Connections at a time; what comes beyond is closed. Default: no bound. */
  readonly maxConnections?: number | undefined;
}

/** Certificate chain and private key, as PEM. */
export interface TlsOptions {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

export interface HttpServerOptions {
  /** Answers the requests; those it leaves get 404. */
  readonly handler: Handler;
  readonly limits?: ServerLimits | undefined;
  /** Serves HTTPS, and HTTP/2 to clients that know it. */
  readonly tls?: TlsOptions | undefined;
  /** Told what a handler throws, which is a bug of it. The client gets 500. */
  readonly failed?: ((error: unknown, request: ServerRequest) => void) | undefined;
  /** Gets an entry for every answer of the handler. It stays the caller's to close. */
  readonly accessLog?: AccessLog | undefined;
}

/** Where to listen: on an address, or on a socket that listens already, which is closed with the server. */
export type ListenAddress = { readonly port: number; readonly host?: string } | { readonly fd: number };

const MAX_TIMEOUT = 2 ** 31 - 1;

/** A handler at a port: HTTP/1.1, or with TLS that and HTTP/2. */
export class HttpServer {
  readonly #server: NodeServer | Http2SecureServer;
  readonly #drain: Drain;
  /** Bodies of requests go here, so that they can go on to an application without another copy. */
  readonly #pool: Pool = createPool({ name: 'uploads' });
  readonly #handler: CompleteHandler;
  readonly #accessLog: AccessLog | undefined;
  /** HTTPS has none. */
  readonly #lane: FastLane | undefined;
  #closing: Promise<void> | undefined;

  /** @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE; what TLS says of a certificate or key */
  constructor({ handler, limits = {}, tls, failed = () => {}, accessLog }: HttpServerOptions) {
    this.#accessLog = accessLog;
    this.#handler = new CompleteHandler(handler, failed);
    this.#server = tls === undefined ? plainServer(limits) : secureServer(limits, tls);
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void this.#answer(request, response);
    });
    this.#drain = new Drain(this.#server);
    if (!(this.#server instanceof NodeServer)) return;
    const answered = accessLog === undefined ? undefined : logging(accessLog);
    this.#lane = attachFastLane(this.#server, this.#handler, { answered });
  }

  /** Resolves when connections are accepted. @throws SystemError, EADDRINUSE for one */
  async listen(address: ListenAddress): Promise<void> {
    if (this.#closing !== undefined) {
      throw new IoliteError('ERR_IOLITE_CLOSED', 'Cannot listen: the server is closed');
    }
    await new Promise<void>((resolve, reject) => {
      const failed = (cause: Error): void => reject(systemError(cause, 'Cannot listen'));
      this.#server.once('error', failed);
      this.#server.listen(address, () => {
        this.#server.off('error', failed);
        resolve();
      });
    });
  }

  /** Where it listens; null when it does not. */
  address(): AddressInfo | null {
    return this.#server.address() as AddressInfo | null;
  }

  /**
   * Accepts no more connections, lets responses finish, and closes connections as they become free.
   * @param options `patience`: milliseconds for which idle connections may bring another request. Default 0:
   *   also a close that is under way waits for them no longer
   */
  close(options: { readonly patience?: number } = {}): Promise<void> {
    if (this.#closing !== undefined && (options.patience ?? 0) === 0) {
      this.#lane?.close();
      this.#drain.hurry();
    }
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(options: { readonly patience?: number }): Promise<void> {
    const { patience = 0 } = options;
    this.#lane?.retire();
    const timer = setTimeout(() => this.#lane?.close(), Math.max(GRACE, patience));
    if (this.#server.listening) await this.#drain.start(options);
    clearTimeout(timer);
    this.#pool.close();
  }

  async #answer(message: NodeRequest, response: NodeResponse): Promise<void> {
    const request = serverRequest(message, { response, pool: this.#pool });
    const since = performance.now();
    // Asked for now: a connection that is closed does not know it.
    const remoteAddress = this.#accessLog === undefined ? undefined : request.remoteAddress;
    try {
      const answer = hasHostsToChooseFrom(message)
        ? statusAnswer(400)
        : (this.#handler.answerNow(request) ?? (await requestAnswer(this.#handler, request, response)));
      if (answer === undefined) return; // The client is gone.
      const bytes = await writeAnswer(response, answer, request.method, false);
      if (bytes === undefined) return;
      const duration = performance.now() - since;
      const { status } = answer;
      const { httpVersion } = message;
      this.#accessLog?.write(accessRecord(request, { httpVersion, status, bytes, duration, remoteAddress }));
    } catch {
      // An answer that cannot be sent: the connection's end tells the client.
      response.destroy();
    }
  }
}

/** Several Hosts, of which node:http takes the first and others the last (RFC 9112, 3.2). */
function hasHostsToChooseFrom({ rawHeaders }: NodeRequest): boolean {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts > 1;
}

/** What the fast lane tells, as entries of a log. */
function logging(log: AccessLog): Answered {
  return (request, status, bytes, duration) => {
    const { remoteAddress } = request;
    log.write(accessRecord(request, { httpVersion: '1.1', status, bytes, duration, remoteAddress }));
  };
}

/**
 * Requests under way on one connection of HTTP/2: as many as the standard recommends at least (RFC 9113,
 * 6.5.2).
 */
const MAX_STREAMS = 100;
/** Milliseconds between two looks at which connections are late. */
const CHECK_INTERVAL = 1000;

function plainServer(limits: ServerLimits): NodeServer {
  const server = createServer({
    maxHeaderSize: headerSizeOf(limits),
    noDelay: true,
    connectionsCheckingInterval: CHECK_INTERVAL,
  });
  server.timeout = timeOf(limits, 'idleTimeout', 120_000);
  return limited(server, limits);
}

function secureServer(limits: ServerLimits, { cert, key }: TlsOptions): Http2SecureServer {
  const maxHeaderListSize = headerSizeOf(limits);
  const server = createSecureServer({
    cert,
    key,
    allowHTTP1: true,
    settings: { maxHeaderListSize, maxConcurrentStreams: MAX_STREAMS },
    // Of HTTP/1.1 over TLS; its type does not know it.
    ...{ maxHeaderSize: maxHeaderListSize, connectionsCheckingInterval: CHECK_INTERVAL },
  });
  server.setTimeout(timeOf(limits, 'idleTimeout', 120_000));
  // A connection that fails is the client's to notice.
  server.on('sessionError', () => {});
  return limited(server, limits);
}

function limited<T extends NodeServer | Http2SecureServer>(server: T, limits: ServerLimits): T {
  // Of HTTP/1 over TLS as well, whose server has the properties, and node:http's checks.
  const timed = server as NodeServer;
  timed.headersTimeout = timeOf(limits, 'headersTimeout', 30_000);
  timed.requestTimeout = timeOf(limits, 'requestTimeout', 300_000);
  timed.keepAliveTimeout = timeOf(limits, 'keepAliveTimeout', 5000);
  const { maxConnections } = limits;
  if (maxConnections !== undefined) {
    checkInteger(maxConnections, 'maxConnections', 1, 2 ** 31);
    server.maxConnections = maxConnections;
  }
  return server;
}

type TimeLimit = Exclude<keyof ServerLimits, 'maxHeaderSize' | 'maxConnections'>;

function timeOf(limits: ServerLimits, name: TimeLimit, byDefault: number): number {
  const { [name]: value = byDefault } = limits;
  checkInteger(value, name, 0, MAX_TIMEOUT);
  return value;
}

function headerSizeOf({ maxHeaderSize = 16 * 1024 }: ServerLimits): number {
  checkInteger(maxHeaderSize, 'maxHeaderSize', 1024, 1024 ** 2);
  return maxHeaderSize;
}
