import { createServer, type IncomingMessage, Server as NodeServer, type ServerResponse } from 'node:http';
import type { Http2SecureServer, Http2ServerResponse, ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createPool, type Pool } from '../../aggregate/pool.ts';
import { MAX_TIMEOUT_MS } from '../../base/deadlines.ts';
import { checkInteger, IoliteError } from '../../base/error.ts';
import { SocketLink } from '../../network/socket-link.ts';
import { SecureContext } from '../../network/tls/secure-context.ts';
import type { SecureSettings } from '../../network/tls/secure-settings.ts';
import type { TlsLink } from '../../network/tls/tls-link.ts';
import { opensslUnsupported } from '../../os/openssl.ts';
import { defaultBudget } from '../../store/governor/default-budget.ts';
import { AnswerEvents } from '../events/answer-events.ts';
import { attachFastLane, type FastLane, type LaneTls } from '../fast-lane/fast-lane.ts';
import { Http2Lane } from '../http2/http2-lane.ts';
import { joinListeners } from '../message/answer-report.ts';
import type { Answer, ServerRequest, Tunnel } from '../message/exchange.ts';
import { namesOneHost } from '../message/request-host.ts';
import { statusAnswer } from '../message/status-answer.ts';
import { handlerFailure } from '../message/status-of-error.ts';
import {
  type AdapterOptions,
  type NodeRequest,
  requestAnswer,
  serverRequest,
  writeAnswer,
} from '../node/node-adapter.ts';
import { isGone } from '../node/node-response.ts';
import type { NodeResponse } from '../node/response-way.ts';
import { asksForUpgrade, lastResponse, putBack } from '../node/upgrade-request.ts';
import { answerClientError } from './client-errors.ts';
import { Drain, GRACE_MS } from './drain.ts';
import { listenOn, listenOnPath } from './listen-on.ts';
import type { ListenAddress, Listener, ListenerOptions } from './listener.ts';
import { NodeSecureServer } from './node-secure-server.ts';
import { Pipelines } from './pipelines.ts';

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

export interface HttpServerOptions extends ListenerOptions {
  readonly limits?: ServerLimits | undefined;
  /** Serves HTTPS, and HTTP/2 to clients that know it. */
  readonly tls?: SecureSettings | undefined;
  /**
   * Who speaks TLS. Default: OpenSSL on bare connections, where it can be called; Node.js's sockets where
   * not.
   */
  readonly tlsBy?: 'openssl' | 'node' | undefined;
}

/**
 * Connections that may wait to be accepted, as far as the kernel has no lower bound (net.core.somaxconn).
 * When a thousand clients come at once, those that find no place try again after one second, then after two.
 */
const BACKLOG_CONNECTIONS = 65_535;

/**
 * Memory for the bodies of requests, also of those that applications still have: what finds none is refused
 * with 503. A pool that has a bound uses its chunks again, however many bodies are on their way; one without
 * makes new ones beyond 64 MiB, at five times the cost.
 */
const LEAST_UPLOAD_BYTES = 64 * 1024 ** 2;
const MOST_UPLOAD_BYTES = 1024 ** 3;

function uploadBytes(): number {
  return Math.max(LEAST_UPLOAD_BYTES, defaultBudget({ most: MOST_UPLOAD_BYTES }));
}

/** A handler at a port: HTTP/1.1, or with TLS that and HTTP/2. */
export class HttpServer implements Listener {
  /** What listens. */
  readonly #server: NodeServer | Http2SecureServer;
  readonly #http2: Http2Lane | undefined;
  readonly #secure: NodeSecureServer | undefined;
  readonly #context: SecureContext | undefined;
  readonly #drain: Drain;
  readonly #pipelines = new Pipelines();
  /** Bodies of requests go here, so that they can go on to an application without another copy. */
  readonly #pool: Pool = createPool({ name: 'uploads', limit: uploadBytes() });
  readonly #events: AnswerEvents;
  readonly #takesUpgrades: boolean;
  readonly #failed: (error: unknown, request: ServerRequest) => void;
  /** HTTPS by Node.js's sockets has none. */
  readonly #lane: FastLane | undefined;
  #closing: Promise<void> | undefined;

  /** @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE; what TLS says of a certificate or key */
  constructor(options: HttpServerOptions) {
    const { handler, limits = {}, tls, failed = () => {}, listeners = [] } = options;
    const listener = joinListeners(listeners);
    this.#events = new AnswerEvents(handler, listener, 'node');
    this.#takesUpgrades = handler.takesUpgrades === true;
    this.#failed = failed;
    const byNode = options.tlsBy === 'node' || opensslUnsupported() !== undefined;
    if (tls !== undefined) {
      const { maxHeaderSize, headersTimeout, requestTimeout, idleTimeout } = limits;
      const times = { headersTimeout, requestTimeout, idleTimeout };
      const lane = { listener, failed, maxHeaderSize, ...times };
      this.#http2 = new Http2Lane(handler, this.#pool, lane);
      if (byNode) this.#secure = secureServer(limits, tls);
      else this.#context = new SecureContext(tls, ['h2', 'http/1.1', 'http/1.0']);
    }
    if (this.#secure !== undefined) this.#takeHttp2(this.#secure.server);
    this.#server = this.#secure?.server ?? plainServer(limits);
    this.#drain = this.#adopt(this.#server);
    if (!(this.#server instanceof NodeServer)) return;
    const lane = { listener, failed, pool: this.#pool, tls: this.#laneTls() };
    this.#lane = attachFastLane(this.#server, handler, lane);
  }

  async listen(address: ListenAddress): Promise<void> {
    if (this.#closing !== undefined) {
      throw new IoliteError('ERR_IOLITE_CLOSED', 'Cannot listen: the server is closed');
    }
    await ('path' in address
      ? listenOnPath(this.#server, address, BACKLOG_CONNECTIONS)
      : listenOn(this.#server, address, BACKLOG_CONNECTIONS));
  }

  address(): AddressInfo | null {
    const address = this.#server.address();
    return typeof address === 'string' ? null : address;
  }

  close(options: { readonly patience?: number } = {}): Promise<void> {
    if (this.#closing !== undefined && (options.patience ?? 0) === 0) {
      this.#lane?.close();
      this.#drain.hurry();
    }
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  setTicketKeys(keys: readonly string[]): void {
    if (this.#closing !== undefined) return;
    if (this.#context === undefined) this.#secure?.setTicketKeys(keys);
    else this.#context.setTicketKeys(keys);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(options: { readonly patience?: number }): Promise<void> {
    const { patience = 0 } = options;
    this.#lane?.retire();
    const timer = setTimeout(() => this.#lane?.close(), Math.max(GRACE_MS, patience));
    const http2 = this.#http2?.close();
    if (this.#server.listening) await this.#drain.start(options);
    await http2;
    clearTimeout(timer);
    this.#pool.close();
    this.#context?.close();
  }

  /** Answers what a server of Node's reads. @returns what lets it come to an end */
  #adopt(server: NodeServer | Http2SecureServer): Drain {
    server.on('request', (request: IncomingMessage, response: ServerResponse) =>
      this.#take(request, response),
    );
    const drain = new Drain(server);
    this.#watch(server);
    if (this.#takesUpgrades) this.#takeUpgrades(server);
    return drain;
  }

  #laneTls(): LaneTls | undefined {
    const context = this.#context;
    const http2 = this.#http2;
    if (context === undefined || http2 === undefined) return undefined;
    return { context, protocols: new Map([['h2', { accept: (link: TlsLink) => http2.begin(link) }]]) };
  }

  /** Connections of HTTP/2 by Node.js's sockets are ours, too: the rest is for who had them before. */
  #takeHttp2(server: Http2SecureServer): void {
    const others = server.listeners('secureConnection') as ((socket: TLSSocket) => void)[];
    server.removeAllListeners('secureConnection');
    server.on('secureConnection', socket => {
      if (socket.alpnProtocol !== 'h2') {
        for (const listener of others) listener.call(server, socket);
        return;
      }
      const link = new SocketLink(socket);
      const host = this.#http2?.begin(link);
      if (host !== undefined) link.open(host);
    });
  }

  /** What happens on a connection besides its requests. */
  #watch(server: NodeServer | Http2SecureServer): void {
    server.on('checkContinue', (message: IncomingMessage, response: ServerResponse) =>
      // The client is told to go on when somebody wants what it has.
      this.#take(message, response, { bodyWanted: () => response.headersSent || response.writeContinue() }),
    );
    server.on('clientError', (error: Error, socket: Socket) =>
      answerClientError(error, socket, this.#pipelines),
    );
    server.on('timeout', (connection: Socket | ServerHttp2Session) => {
      // How long a handler may take is for the handler to say.
      if (!this.#pipelines.waitsForHandler(connection)) connection.destroy();
    });
    server.on('connect', (message: NodeRequest, connection: Socket | Http2ServerResponse, head: Buffer) => {
      const isOfHttp2 = 'stream' in message;
      const response = isOfHttp2
        ? (connection as Http2ServerResponse)
        : lastResponse(message, connection as Socket, head);
      // There are no tunnels here.
      writeAnswer(response, statusAnswer(405), message.method).catch(() => response.destroy());
    });
  }

  #takeUpgrades(server: NodeServer | Http2SecureServer): void {
    server.on('upgrade', (message: IncomingMessage, socket: Socket, head: Buffer) => {
      if (asksForUpgrade(message)) {
        const { upgrade } = message.headers;
        const earlier = this.#pipelines.allAnswered(socket);
        const take = (): void => {
          if (!socket.destroyed) this.#take(message, lastResponse(message, socket, head), { upgrade });
        };
        if (earlier === undefined) take();
        else void earlier.then(take);
        return;
      }
      putBack(message, socket, head);
      if (this.#lane !== undefined) this.#lane.handOver(socket);
      else server.emit('secureConnection', socket);
      socket.resume();
    });
  }

  #take(message: NodeRequest, response: NodeResponse, options: AdapterOptions = {}): void {
    this.#pipelines.enter(message, response, () => {
      // What fails here is a bug of a listener: the connection's end tells the client.
      this.#answer(message, response, options).catch(() => void response.destroy());
    });
  }

  async #answer(message: NodeRequest, response: NodeResponse, options: AdapterOptions): Promise<void> {
    const request = serverRequest(message, { ...options, response, pool: this.#pool });
    const since = performance.now();
    // Asked for now: a connection that is closed does not know it.
    const remoteAddress = this.#events.listener === undefined ? undefined : request.remoteAddress;
    const answering = this.#answerOf(message, request, response);
    // Not to wait for what is there spares a turn.
    const answer = answering instanceof Promise ? await answering : answering;
    if (answer === undefined) return; // The client is gone.
    const sent = await this.#send(response, request, answer);
    const { listener } = this.#events;
    if (sent === undefined || listener === undefined) return;
    const duration = performance.now() - since;
    const { httpVersion } = message;
    const { method } = request;
    listener.answered({
      request,
      method,
      lane: 'node',
      httpVersion,
      ...sent,
      duration,
      remoteAddress,
    });
  }

  /** @returns what was sent; undefined for nothing, as the client is gone */
  async #send(
    response: NodeResponse,
    request: ServerRequest,
    given: Answer,
  ): Promise<{ readonly status: number; readonly bytes: number } | undefined> {
    const { status, tunnel } = given;
    const answer = tunnel === undefined ? given : { ...given, tunnel: this.#drained(tunnel) };
    try {
      const bytes = await writeAnswer(response, answer, request.method, false);
      return bytes === undefined ? undefined : { status, bytes };
    } catch (error) {
      // It cannot be sent, which is a bug of the handler. Nothing of it was.
      for (const name of response.getHeaderNames()) response.removeHeader(name);
      const bytes = await writeAnswer(response, this.#failure(error, request), request.method, false);
      return bytes === undefined ? undefined : { status: 500, bytes };
    }
  }

  /** A tunnel that is ended when the server is. */
  #drained(tunnel: Tunnel): Tunnel {
    return {
      protocol: tunnel.protocol,
      open: client => {
        const opened = tunnel.open(client);
        this.#drain.addTunnel(opened, client as Socket);
        return opened;
      },
      abandon: () => tunnel.abandon(),
    };
  }

  #answerOf(
    message: NodeRequest,
    request: ServerRequest,
    response: NodeResponse,
  ): Answer | undefined | Promise<Answer | undefined> {
    if (!namesOneHost(message)) return statusAnswer(400);
    try {
      const answer = requestAnswer(this.#events.handler, request, response);
      if (answer instanceof Promise) return this.#wait(answer, request, response);
      return answer ?? statusAnswer(404);
    } catch (error) {
      return this.#failure(error, request);
    }
  }

  /** @returns undefined when the client has left meanwhile */
  async #wait(
    answering: Promise<Answer | undefined>,
    request: ServerRequest,
    response: NodeResponse,
  ): Promise<Answer | undefined> {
    try {
      return (await answering) ?? (isGone(response) ? undefined : statusAnswer(404));
    } catch (error) {
      return this.#failure(error, request);
    }
  }

  #failure(error: unknown, request: ServerRequest): Answer {
    return handlerFailure(error, request, this.#failed);
  }
}

/**
 * Requests under way on one connection of HTTP/2: as many as the standard recommends at least (RFC 9113,
 * 6.5.2).
 */
const MAX_STREAMS = 100;
/** Between two looks at which connections are late. */
const CHECK_INTERVAL_MS = 1000;

function plainServer(limits: ServerLimits): NodeServer {
  const server = createServer({
    maxHeaderSize: headerSizeOf(limits),
    noDelay: true,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
  });
  server.timeout = timeOf(limits, 'idleTimeout', 120_000);
  return limited(server, limits);
}

/** By sockets of Node.js's. */
function secureServer(limits: ServerLimits, settings: SecureSettings): NodeSecureServer {
  const maxHeaderListSize = headerSizeOf(limits);
  const secure = new NodeSecureServer(settings, {
    settings: { maxHeaderListSize, maxConcurrentStreams: MAX_STREAMS },
    // Of HTTP/1.1 over TLS; its type does not know it.
    ...{ maxHeaderSize: maxHeaderListSize, connectionsCheckingInterval: CHECK_INTERVAL_MS },
  });
  const { server } = secure;
  server.setTimeout(timeOf(limits, 'idleTimeout', 120_000));
  // A connection that fails is the client's to notice.
  server.on('sessionError', () => {});
  limited(server, limits);
  return secure;
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
  checkInteger(value, name, 0, MAX_TIMEOUT_MS);
  return value;
}

function headerSizeOf({ maxHeaderSize = 16 * 1024 }: ServerLimits): number {
  checkInteger(maxHeaderSize, 'maxHeaderSize', 1024, 1024 ** 2);
  return maxHeaderSize;
}
