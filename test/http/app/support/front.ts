import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Aggregate } from '../../../../src/aggregate/aggregate.ts';
import { createPool, type Pool } from '../../../../src/aggregate/pool.ts';
import { attachFastLane, type FastLane } from '../../../../src/http/fast-lane/fast-lane.ts';
import type { Handler, ServerRequest } from '../../../../src/http/message/exchange.ts';
import { answerOf } from '../../../../src/http/message/promised-answer.ts';
import { sendAggregate } from '../../../../src/network/send.ts';

/** The least of a server: node:http in front of a handler, with the fast lane before it or without. */
export class Front implements AsyncDisposable {
  readonly #server: Server;
  readonly #pool: Pool = createPool({ name: 'front' });
  readonly #lane: FastLane | undefined;

  private constructor(handler: Handler, hasLane: boolean) {
    this.#server = createServer((request, response) => {
      this.#answer(handler, request, response).catch(() => response.destroy());
    });
    if (hasLane) this.#lane = attachFastLane(this.#server, handler);
  }

  static async start(handler: Handler, { hasLane = false } = {}): Promise<Front> {
    const front = new Front(handler, hasLane);
    front.#server.listen(0, '127.0.0.1');
    await once(front.#server, 'listening');
    return front;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#lane?.close();
    await new Promise(resolve => this.#server.close(resolve));
    this.#pool.close();
  }

  async #answer(handler: Handler, message: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const answer = await answerOf(handler, this.#request(message), gone.signal).catch(error => {
      if (!gone.signal.aborted) throw error;
    });
    if (answer === undefined) return;
    const { status, headers, body } = answer;
    response.writeHead(status, headers as string[]);
    if (body !== undefined) {
      const pieces = Aggregate.isAggregate(body) ? [body] : body;
      for await (const piece of pieces) {
        using sent = piece;
        if (message.method !== 'HEAD') await sendAggregate(response, sent);
      }
    }
    response.end();
  }

  #request(message: IncomingMessage): ServerRequest {
    const { method = '', url = '', rawHeaders, headers } = message;
    const hasBody = 'content-length' in headers || 'transfer-encoding' in headers;
    return {
      method,
      target: url,
      secure: false,
      remoteAddress: message.socket.remoteAddress,
      rawHeaders,
      header: name => headers[name]?.toString(),
      body: hasBody ? this.#body(message) : undefined,
    };
  }

  async *#body(message: IncomingMessage): AsyncGenerator<Aggregate> {
    for await (const bytes of message) yield this.#pool.from(bytes);
  }
}
