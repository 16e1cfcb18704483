import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool, type Pool } from '../../src/aggregate/pool.ts';
import type { Repeatable } from '../../src/base/repeatable.ts';
import { attachFastLane, type FastLane, type FastLaneOptions } from '../../src/http/fast-lane/fast-lane.ts';
import type { AnswerListener, AnswerReport } from '../../src/http/message/answer-report.ts';
import type {
  Answer,
  Handler,
  PendingAnswer,
  Recipient,
  ServerRequest,
} from '../../src/http/message/exchange.ts';
import { tellLater } from '../../src/http/message/promised-answer.ts';
import { watchdog } from './watchdog.ts';

/** Answers by target what a test put there; anything else is for node:http. */
export class TableHandler implements Handler {
  readonly pool: Pool = createPool();
  readonly #kept: Aggregate[] = [];
  readonly now = new Map<string, (request: ServerRequest) => Answer>();
  readonly later = new Map<
    string,
    (request: ServerRequest, signal: AbortSignal) => Answer | Promise<Answer | undefined>
  >();

  /** As `later`, without promises: gets what tells the answer, and gives what gives it up. */
  readonly told = new Map<string, (answered: (answer: Answer) => void) => () => void>();

  /** Of what it answers at once. */
  readonly repeatable: Repeatable | undefined = undefined;

  /** Puts bytes at a target. @returns what is kept of them, until it is closed */
  file(target: string, bytes: Uint8Array | string): Aggregate {
    const body = this.#keep(bytes);
    const headers = ['Content-Type', 'text/plain', 'Content-Length', String(body.length)];
    this.now.set(target, () => ({ status: 200, headers, body: body.duplicate() }));
    return body;
  }

  /** The same bytes in an answer that is not there at once. */
  slowFile(target: string, bytes: Uint8Array | string): void {
    const body = this.#keep(bytes);
    this.later.set(target, async () => {
      await new Promise(setImmediate);
      return { status: 200, headers: ['Content-Length', String(body.length)], body: body.duplicate() };
    });
  }

  /** Lets go of everything. */
  close(): void {
    for (const body of this.#kept.splice(0)) body.release();
    this.pool.close();
  }

  #keep(bytes: Uint8Array | string): Aggregate {
    const body = this.pool.from(bytes);
    this.#kept.push(body);
    return body;
  }

  answer(request: ServerRequest, recipient: Recipient): PendingAnswer | undefined {
    const { target } = request;
    const now = this.now.get(target)?.(request);
    if (now !== undefined) {
      recipient.answered(now, this.repeatable);
      return undefined;
    }
    const giveUp = this.told.get(target)?.(answer => recipient.answered(answer));
    if (giveUp !== undefined) return { giveUp };
    return tellLater(recipient, async signal => this.later.get(target)?.(request, signal));
  }
}

/** Listens by a function. */
export function listenerOf(answered: (report: AnswerReport) => void, wantsDuration = true): AnswerListener {
  return { wantsDuration, answered };
}

/** A server of node:http with the fast lane before it. node:http answers 'node' and the target. */
export class LaneServer<H extends TableHandler = TableHandler> {
  readonly handler: H;
  readonly server: Server;
  readonly lane: FastLane;
  readonly #listening: Promise<unknown>;
  readonly #sockets = new Set<Socket>();

  constructor(
    options: FastLaneOptions = {},
    listener: RequestListener = (request, response) => response.end(`node ${request.method} ${request.url}`),
    handler = new TableHandler() as H,
  ) {
    this.handler = handler;
    this.server = createServer(listener);
    this.lane = attachFastLane(this.server, this.handler, options);
    this.server.listen(0, '127.0.0.1');
    this.#listening = once(this.server, 'listening');
  }

  async port(): Promise<number> {
    await this.#listening;
    return (this.server.address() as { port: number }).port;
  }

  async connect(): Promise<Client> {
    const socket = connect({ port: await this.port(), host: '127.0.0.1', allowHalfOpen: true });
    this.#sockets.add(socket);
    await once(socket, 'connect');
    return new Client(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.server.closeAllConnections();
    this.lane.close();
    await watchdog(new Promise(resolve => this.server.close(resolve)), 'the server to close');
  }
}

export interface Response {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Reads answers from a socket, strictly. */
export class Client {
  readonly socket: Socket;
  #bytes = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  ended = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', bytes => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      this.#wake?.();
    });
    const end = (): void => {
      this.ended = true;
      this.#wake?.();
    };
    socket.on('end', end);
    socket.on('error', end);
    socket.on('close', end);
  }

  /** Sends a request of two lines. */
  ask(target: string, ...lines: string[]): void {
    this.send(['GET', target, lines]);
  }

  /** Sends requests together. */
  send(...requests: readonly [method: string, target: string, lines?: readonly string[]][]): void {
    this.socket.write(
      requests
        .map(([method, target, lines = []]) =>
          [`${method} ${target} HTTP/1.1`, 'Host: test', ...lines, '', ''].join('\r\n'),
        )
        .join(''),
    );
  }

  async response(method = 'GET'): Promise<Response> {
    const end = await this.#until(() => this.#bytes.indexOf('\r\n\r\n'), 'the head of an answer');
    const [start = '', ...lines] = this.#take(end + 4)
      .toString('latin1')
      .trimEnd()
      .split('\r\n');
    const status = Number(/^HTTP\/1\.1 ([0-9]{3}) /.exec(start)?.[1]);
    const headers = Object.fromEntries(
      lines.map(line => {
        const colon = line.indexOf(': ');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 2)];
      }),
    );
    const hasBody = status >= 200 && method !== 'HEAD' && status !== 204 && status !== 304;
    if (!hasBody) return { status, headers, body: Buffer.alloc(0) };
    if (headers['transfer-encoding'] === 'chunked') return { status, headers, body: await this.#chunks() };
    return { status, headers, body: await this.#exactly(Number(headers['content-length'])) };
  }

  /** Waits for the end, which nothing may come before. */
  async end(): Promise<void> {
    await this.#until(() => (this.ended ? 0 : -1), 'the end of the connection');
    if (this.#bytes.length > 0) throw new Error(`Before the end came ${this.#bytes.toString('latin1')}`);
  }

  async #chunks(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (;;) {
      const end = await this.#until(() => this.#bytes.indexOf('\r\n'), 'the size of a chunk');
      const size = Number.parseInt(this.#take(end + 2).toString(), 16);
      chunks.push(await this.#exactly(size));
      if ((await this.#exactly(2)).toString() !== '\r\n') throw new Error('A chunk does not end');
      if (size === 0) return Buffer.concat(chunks);
    }
  }

  async #exactly(count: number): Promise<Buffer> {
    await this.#until(() => (this.#bytes.length >= count ? count : -1), `${count} bytes`);
    return this.#take(count);
  }

  #take(count: number): Buffer {
    const taken = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }

  async #until(find: () => number, what: string): Promise<number> {
    for (;;) {
      const found = find();
      if (found !== -1) return found;
      if (this.ended) throw new Error(`The connection ended before ${what}`);
      await watchdog(
        new Promise<void>(resolve => {
          this.#wake = resolve;
        }),
        what,
      );
    }
  }
}

/** A body that is not there as a whole. */
export async function* stream(pool: Pool, ...parts: string[]): AsyncGenerator<Aggregate> {
  for (const part of parts) {
    await new Promise(setImmediate);
    yield part === '' ? Aggregate.empty() : pool.from(part);
  }
}
