import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createPool } from '../../../../src/aggregate/pool.ts';
import { Http2Lane, type Http2LaneOptions } from '../../../../src/http/http2/http2-lane.ts';
import type { Handler } from '../../../../src/http/message/exchange.ts';
import { SocketLink } from '../../../../src/network/socket-link.ts';

/** A server of HTTP/2 with prior knowledge, on plain sockets of Node's. */
export class Http2Server implements AsyncDisposable {
  readonly lane: Http2Lane;
  readonly pool = createPool({ name: 'uploads' });
  readonly #server: Server;

  private constructor(handler: Handler, options: Http2LaneOptions) {
    this.lane = new Http2Lane(handler, this.pool, { secure: false, ...options });
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, socket => {
      const link = new SocketLink(socket);
      link.open(this.lane.begin(link));
    });
  }

  static async start(handler: Handler, options: Http2LaneOptions = {}): Promise<Http2Server> {
    const server = new Http2Server(handler, options);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.lane.destroy();
    this.#server.close();
    this.pool.close();
  }
}
