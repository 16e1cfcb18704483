import { Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Http2SecureServer, ServerHttp2Session } from 'node:http2';
import { Server as NetServer, type Socket } from 'node:net';
import { observe, type Sample } from '../../observe/sources.ts';

/** How long a connection on which nothing was sent yet has to send its request. */
export const GRACE_MS = 250;

/**
 * Lets an HTTP server come to an end without cutting off a response. (Server.close() closes connections
 * whose response was written but not yet taken by the kernel: a slow download would end early.)
 */
export class Drain {
  readonly #server: HttpServer | Http2SecureServer;
  /** The responses in flight on each connection of HTTP/1. */
  readonly #connections = new Map<Socket, Set<ServerResponse>>();
  readonly #sessions = new Set<ServerHttp2Session>();
  /** Connections that have gone over to another protocol. */
  readonly #tunnels = new Set<{ end(): void }>();
  #done: Promise<void> | undefined;
  /** Whether connections without a response are closed. */
  #impatient = false;
  /** Whether connections may still bring a request after a response that did not say it was the last. */
  #patient = false;

  /** Watches the connections of a server from now on. */
  constructor(server: HttpServer | Http2SecureServer) {
    this.#server = server;
    observe('server', this, Drain.#samplesOf);
    if (server instanceof HttpServer) server.on('connection', socket => this.#connected(socket));
    else this.#watchSecure(server);
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      if (request.httpVersionMajor === 1) this.#watch(request.socket, response);
    });
  }

  /** Connections that Node.js reads: the lane's are its own, and so are those of our HTTP/2. */
  static #samplesOf(drain: Drain): readonly Sample[] {
    const samples: readonly (readonly [lane: string, connections: number])[] = [
      ['node', drain.#connections.size],
      ['tunnel', drain.#tunnels.size],
    ];
    return samples.map(([lane, connections]) => ({ labels: { lane }, figures: { connections } }));
  }

  /**
   * Accepts no more connections, and resolves when the last response is finished and its connection closed.
   * @param options `patience`: milliseconds for which connections without a response may bring another
   *   request, which is answered. A client that sends one at the very moment its connection is closed loses
   *   it. Default: they are closed at once
   */
  start({ patience = 0 }: { readonly patience?: number } = {}): Promise<void> {
    this.#done ??= this.#drain(patience);
    return this.#done;
  }

  /** A connection has gone over to another protocol: it is ended with those that bring no more requests. */
  addTunnel(tunnel: { end(): void }, socket: Socket): void {
    this.#connections.delete(socket);
    this.#tunnels.add(tunnel);
    socket.once('close', () => this.#tunnels.delete(tunnel));
    if (this.#done !== undefined && !this.#patient) tunnel.end();
  }

  /** What waits patiently since {@link start} waits no longer. */
  hurry(): void {
    if (this.#done === undefined) return;
    this.#patient = false;
    this.#closeIdle();
  }

  async #drain(patience: number): Promise<void> {
    const closed = new Promise<void>(resolve => {
      NetServer.prototype.close.call(this.#server, () => resolve());
    });
    for (const responses of this.#connections.values())
      for (const response of responses) announceClose(response);
    for (const session of this.#sessions) session.close();
    this.#patient = patience > 0;
    if (!this.#patient) this.#closeIdle();
    const timer = setTimeout(() => this.#closeSilent(), Math.max(GRACE_MS, patience));
    await closed;
    clearTimeout(timer);
    // It still looks for connections that take too long.
    if (this.#server instanceof HttpServer) this.#server.close(() => {});
  }

  #watchSecure(server: Http2SecureServer): void {
    server.on('secureConnection', socket => {
      if (socket.alpnProtocol !== 'h2') this.#connected(socket);
    });
    server.on('session', session => {
      if (this.#done !== undefined) session.close();
      this.#sessions.add(session);
      session.once('close', () => this.#sessions.delete(session));
    });
  }

  #connected(socket: Socket): void {
    if (this.#impatient) {
      socket.destroySoon();
      return;
    }
    this.#connections.set(socket, new Set());
    socket.once('close', () => this.#connections.delete(socket));
  }

  #watch(socket: Socket, response: ServerResponse): void {
    const responses = this.#connections.get(socket);
    responses?.add(response);
    if (this.#done !== undefined) announceClose(response);
    response.once('close', () => {
      responses?.delete(response);
      if (this.#done === undefined || responses?.size !== 0) return;
      // One that was told nothing may have sent another request already.
      if (!this.#patient || !response.shouldKeepAlive) socket.destroySoon();
    });
  }

  /** Connections that have brought a request, and have none now. */
  #closeIdle(): void {
    for (const tunnel of this.#tunnels) tunnel.end();
    for (const [socket, responses] of this.#connections) {
      if (responses.size === 0 && socket.bytesRead > 0) socket.destroySoon();
    }
  }

  #closeSilent(): void {
    this.#impatient = true;
    this.#patient = false;
    for (const tunnel of this.#tunnels) tunnel.end();
    for (const [socket, responses] of this.#connections) if (responses.size === 0) socket.destroySoon();
  }
}

function announceClose(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}
