import { EventEmitter, once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { handle, serverRequest } from '../../../../src/http/node/node-adapter.ts';
import { createProxy, type ReverseProxy } from '../../../../src/http/proxy/proxy.ts';
import type { ProxyOptions } from '../../../../src/http/proxy/proxy-options.ts';
import { watchdog } from '../../../support/watchdog.ts';

/** What a client got. */
export interface Got {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

export type Respond = (request: IncomingMessage, response: ServerResponse) => unknown;

/** An origin, a proxy before it, and a client of the proxy: real servers on ports of their own. */
export class Harness extends EventEmitter<{ asked: [request: IncomingMessage] }> {
  /** Requests that the origin got. */
  readonly asked: IncomingMessage[] = [];
  readonly proxy: ReverseProxy;
  readonly #origin: Server;
  readonly #front: Server;

  private constructor(origin: Server, options: Omit<ProxyOptions, 'origin'>) {
    super();
    this.#origin = origin;
    this.proxy = createProxy({ origin: urlOf(origin), ...options });
    this.#front = createServer(
      (request, response) => void handle(this.proxy, serverRequest(request), response),
    );
  }

  static async start(respond: Respond, options: Omit<ProxyOptions, 'origin'> = {}): Promise<Harness> {
    let harness: Harness | undefined;
    const origin = createServer((request, response) => {
      harness?.asked.push(request);
      respond(request, response);
      harness?.emit('asked', request);
    });
    await once(origin.listen(0, '127.0.0.1'), 'listening');
    harness = new Harness(origin, options);
    await once(harness.#front.listen(0, '127.0.0.1'), 'listening');
    return harness;
  }

  get url(): string {
    return urlOf(this.#front);
  }

  get port(): number {
    return (this.#front.address() as AddressInfo).port;
  }

  get originUrl(): string {
    return urlOf(this.#origin);
  }

  get(path = '/', headers: OutgoingHttpHeaders = {}): Promise<Got> {
    return this.send({ path, headers });
  }

  /** Sends a request and reads all of the response; rejects when it breaks off. */
  async send(options: {
    method?: string;
    path?: string;
    headers?: OutgoingHttpHeaders;
    body?: string | Buffer;
  }): Promise<Got> {
    const { body, ...rest } = options;
    const outgoing = request(this.url, { agent: false, ...rest });
    outgoing.end(body);
    const [incoming] = (await watchdog(once(outgoing, 'response'), 'a response')) as [IncomingMessage];
    // What it still had to send, the server need not take once it has answered.
    outgoing.on('error', () => {});
    const pieces: Buffer[] = [];
    const whole = (async () => {
      for await (const piece of incoming) pieces.push(piece);
    })();
    await watchdog(whole, 'a body');
    return {
      status: incoming.statusCode as number,
      headers: incoming.headers,
      text: Buffer.concat(pieces).toString(),
    };
  }

  /** The origin is gone: connections to it are refused. */
  async stopOrigin(): Promise<void> {
    this.#origin.closeAllConnections();
    if (this.#origin.listening) await new Promise(resolve => this.#origin.close(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#front.closeAllConnections();
    await new Promise(resolve => this.#front.close(resolve));
    await this.proxy.close();
    await this.stopOrigin();
  }
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
