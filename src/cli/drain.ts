import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';

/** Milliseconds that a connection on which nothing was sent yet has to send its request. */
const GRACE = 250;

/**
 * Lets an HTTP server come to an end without cutting off a response. (Server.close() closes connections
 * whose response was written but not yet taken by the kernel: a slow download would end early.)
 */
export class Drain {
  readonly #server: Server;
  /** The responses in flight on each connection. */
  readonly #connections = new Map<Socket, Set<ServerResponse>>();
  #done: Promise<void> | undefined;

  /** Watches the connections of a server from now on. */
  constructor(server: Server) {
    this.#server = server;
    server.on('connection', socket => {
      this.#connections.set(socket, new Set());
      socket.once('close', () => this.#connections.delete(socket));
    });
    server.prependListener('request', (request, response) => this.#watch(request.socket, response));
  }

  /** Accepts no more connections, and resolves when the last response is finished and its connection closed. */
  start(): Promise<void> {
    this.#done ??= new Promise(resolve => {
      NetServer.prototype.close.call(this.#server, () => resolve());
      for (const [socket, responses] of this.#connections) {
        for (const response of responses) announceClose(response);
        if (responses.size === 0 && socket.bytesRead > 0) socket.destroySoon();
      }
      setTimeout(() => this.#closeSilent(), GRACE);
    });
    return this.#done;
  }

  #watch(socket: Socket, response: ServerResponse): void {
    const responses = this.#connections.get(socket);
    responses?.add(response);
    if (this.#done !== undefined) announceClose(response);
    response.once('close', () => {
      responses?.delete(response);
      if (this.#done !== undefined && responses?.size === 0) socket.destroySoon();
    });
  }

  #closeSilent(): void {
    for (const [socket, responses] of this.#connections) if (responses.size === 0) socket.destroySoon();
  }
}

function announceClose(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}
