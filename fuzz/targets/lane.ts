import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import { attachFastLane, type FastLane } from '../../src/http/fast-lane/fast-lane.ts';
import type { Handler, ServerRequest } from '../../src/http/message/exchange.ts';
import { Random, seedOf } from '../random.ts';
import { CHUNKS, FIELDS, METHODS, requestOf, TARGETS } from '../requests.ts';
import { agree, type Target } from '../target.ts';

/** A request as a program gets it, when all of its body is there. */
type Asked = readonly [method: string, target: string, rawHeaders: readonly string[], body: string];

let asked: Asked[] = [];

const listener: RequestListener = (request, response) => {
  const { method = '', url = '', rawHeaders } = request;
  const into = asked;
  const pieces: Buffer[] = [];
  request.on('data', piece => pieces.push(piece));
  request.on('end', () => {
    into.push([method, url, rawHeaders, Buffer.concat(pieces).toString('latin1')]);
    response.end('ok');
  });
};

const pool = createPool({ name: 'fuzz' });
const handler: Handler = {
  answer: (request, recipient) => {
    const into = asked;
    bodyOf(request).then(
      body => {
        into.push([request.method, request.target, request.rawHeaders, body]);
        recipient.answered({
          status: 200,
          headers: ['Content-Length', '2'],
          body: Aggregate.adopt(Buffer.from('ok')),
        });
      },
      error => recipient.failed(error),
    );
    return { giveUp: () => {} };
  },
};

async function bodyOf({ body }: ServerRequest): Promise<string> {
  let text = '';
  for await (const piece of body ?? []) {
    text += piece.toBuffer().toString('latin1');
    piece.release();
  }
  return text;
}

/** node:http alone, and the same with the fast lane before it: a program is asked the same of both. */
class Servers {
  readonly #plain: Server = createServer(listener);
  readonly #server: Server = createServer(listener);
  readonly #lane: FastLane = attachFastLane(this.#server, handler, {});

  async start(): Promise<this> {
    for (const server of [this.#plain, this.#server]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    return this;
  }

  async compare(bytes: Buffer): Promise<void> {
    // What follows a request may end its connection before it is read, as it comes: both are given the same.
    for (const pieces of [[bytes], new Random(seedOf(bytes)).cut(bytes)]) {
      const theirs = await this.#say(this.#plain, pieces);
      agree(`what is asked in ${pieces.length} pieces`, await this.#say(this.#server, pieces), theirs);
    }
  }

  close(): void {
    this.#lane.close();
    this.#plain.close();
    this.#server.close();
    pool.close();
  }

  async #say(server: Server, pieces: readonly Buffer[]): Promise<readonly Asked[]> {
    asked = [];
    const list = asked;
    const { port } = server.address() as AddressInfo;
    // From many addresses: each port of one of them is kept a minute.
    const localAddress = `127.0.1.${1 + (sources++ % 250)}`;
    const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true, allowHalfOpen: true });
    socket.on('error', () => {}).resume();
    for (const piece of pieces.slice(0, MAX_PIECES)) {
      socket.write(piece);
      if (pieces.length > 1) await new Promise(setImmediate);
    }
    const rest = pieces.slice(MAX_PIECES);
    socket.end(Buffer.concat(rest));
    if (!socket.closed) await new Promise(closed => socket.once('close', closed));
    return list;
  }
}

const MAX_PIECES = 20;
let sources = 0;
let servers: Promise<Servers> | undefined;

/** Whole connections of HTTP/1: what goes to the fast lane, what to node:http, and back. */
export const lane: Target = {
  name: 'lane',
  covers: ['http/fast-lane/'],
  tokens: [
    ...METHODS,
    ...TARGETS,
    ...FIELDS.map(field => `${field}\r\n`),
    ...CHUNKS,
    '\r\n',
    '\n',
    '\r',
    '\0',
  ],
  make: random => Buffer.from(random.several(4, () => requestOf(random)).join(''), 'latin1'),
  run: async bytes => {
    servers ??= new Servers().start();
    await (await servers).compare(bytes);
  },
  close: async () => (await servers)?.close(),
};
