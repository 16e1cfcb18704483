import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What becomes of a client's bytes on their way to a server. */
export type ByteWay = (bytes: Buffer, to: Socket) => void;

/** Stands between clients and a server of TCP. What the server sends goes to the client as it is. */
export class ByteProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async before(port: number, way: () => ByteWay): Promise<ByteProxy> {
    const server = createServer({ noDelay: true });
    const proxy = new ByteProxy(server);
    server.on('connection', client => {
      const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
      const pass = way();
      for (const [one, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        proxy.#sockets.add(one);
        one.on('error', () => {});
        one.on('close', () => other.destroy());
      }
      client.on('data', bytes => pass(bytes, upstream));
      upstream.on('data', bytes => client.write(bytes));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise(resolve => this.#server.close(resolve));
  }
}
