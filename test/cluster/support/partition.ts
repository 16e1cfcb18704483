import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What becomes of a network: 'open'; 'cut', connections end and none is made; 'still', nothing comes through
 * either way; 'deaf' and 'mute', nothing comes from the server, or to it. What was held up comes later, as
 * TCP sends it again.
 */
export type Network = 'open' | 'cut' | 'still' | 'deaf' | 'mute';

/** The network between a client and a server, which can fail in many ways. */
export class Partition implements AsyncDisposable {
  readonly #server: Server;
  readonly #port: number;
  readonly #pairs = new Set<readonly [client: Socket, server: Socket]>();
  #network: Network = 'open';

  private constructor(port: number) {
    this.#port = port;
    // Half-open: an end is held up as bytes are.
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, client => this.#join(client));
  }

  /** @param port of the server */
  static async before(port: number): Promise<Partition> {
    const partition = new Partition(port);
    await once(partition.#server.listen(0, '127.0.0.1'), 'listening');
    return partition;
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get network(): Network {
    return this.#network;
  }

  set network(network: Network) {
    this.#network = network;
    for (const pair of this.#pairs) this.#settle(pair);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.network = 'cut';
    await closed;
  }

  #join(client: Socket): void {
    if (this.#network === 'cut') {
      client.destroy();
      return;
    }
    const server = connect({ port: this.#port, host: '127.0.0.1', allowHalfOpen: true });
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [server, client] as const]) {
      from.on('data', bytes => to.write(bytes));
      from.on('end', () => to.end());
      from.on('error', () => {});
      from.once('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
    }
    this.#settle(pair);
  }

  #settle([client, server]: readonly [Socket, Socket]): void {
    const network = this.#network;
    if (network === 'cut') {
      client.destroy();
      server.destroy();
      return;
    }
    if (network === 'still' || network === 'mute') client.pause();
    else client.resume();
    if (network === 'still' || network === 'deaf') server.pause();
    else server.resume();
  }
}
