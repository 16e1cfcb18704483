import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Socket } from 'node:net';
import { Aggregate } from '../../aggregate/aggregate.ts';
import { placedIn } from '../../aggregate/full-pool.ts';
import type { Pool } from '../../aggregate/pool.ts';
import { sendAggregate } from '../../network/send.ts';
import { remoteAddressOf } from '../../os/node-socket.ts';
import { releaseBody } from '../message/body.ts';
import type { Answer, Fidelity, Handler, ServedFile, ServerRequest, Stated } from '../message/exchange.ts';
import { fieldsFor, type HeaderList, isRepeated } from '../message/header-list.ts';
import { SHORT_BYTES } from '../message/incoming-body.ts';
import { AwaitedAnswer } from '../message/promised-answer.ts';
import { holdHead } from './capture-head.ts';
import { CopyingWriter } from './copying-writer.ts';
import { isHttp2Request, isHttp2Response } from './http2-module.ts';
import { isGone } from './node-response.ts';
import { openTunnel } from './open-tunnel.ts';
import { type NodeResponse, wayOf } from './response-way.ts';
import { writeInterim } from './write-interim.ts';

/** A request of node:http or node:http2. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/**
 * Up to this size a body is copied once, to leave together with its header in one write: that costs less than
 * two.
 */
const SMALL_BYTES = 16 * 1024;

/** Options of {@link serverRequest}. */
export interface AdapterOptions {
  /** Where the response goes: for early hints, and who may change it on its way. */
  readonly response?: NodeResponse;
  /** See {@link ServerRequest.upgrade}. */
  readonly upgrade?: string | undefined;
  /** Called before the first of the body is read. */
  readonly bodyWanted?: (() => void) | undefined;
  /** What handlers are to take for the target. Default: the request's `url`. */
  readonly target?: string;
  /**
   * The target before a mount path was taken off. Default: the request's `originalUrl`, which Connect and
   * Express keep.
   */
  readonly originalTarget?: string | undefined;
  /** Default: 'changeable' where somebody stands in for the write() of `response`. */
  readonly fidelity?: Fidelity | undefined;
  /** See {@link ServerRequest.stated}. */
  readonly stated?: (file: ServedFile) => Stated | undefined;
  /**
   * Where the bytes of the body are put. Default: they stay on this process's heap, and channels refuse them.
   */
  readonly pool?: Pool | undefined;
}

/**
 * A request of node:http or node:http2, as handlers see it. Reads nothing of the body before it is asked to.
 */
export function serverRequest(request: NodeRequest, options: AdapterOptions = {}): ServerRequest {
  return new AdaptedRequest(request, options);
}

class AdaptedRequest implements ServerRequest {
  readonly method: string;
  readonly target: string;
  readonly originalTarget: string | undefined;
  readonly stated?: (file: ServedFile) => Stated | undefined;
  readonly upgrade: string | undefined;
  readonly #request: NodeRequest;
  readonly #options: AdapterOptions;
  #hinted = false;

  constructor(request: NodeRequest, options: AdapterOptions) {
    this.#request = request;
    this.#options = options;
    if (options.stated !== undefined) this.stated = options.stated;
    this.upgrade = options.upgrade;
    this.method = request.method ?? 'GET';
    this.target = options.target ?? request.url ?? '/';
    this.originalTarget = options.originalTarget ?? (request as { originalUrl?: string }).originalUrl;
  }

  get secure(): boolean {
    return 'encrypted' in this.#request.socket;
  }

  get fidelity(): Fidelity {
    const { fidelity, response } = this.#options;
    if (fidelity !== undefined) return fidelity;
    return response !== undefined && wayOf(response) === 'changed' ? 'changeable' : 'exact';
  }

  get remoteAddress(): string | undefined {
    const socket = this.#request.socket as Socket & { readonly stream?: Partial<Socket> };
    // What Node puts between HTTP/2 and a stream that is no socket of its own has no address.
    return remoteAddressOf(socket) ?? socket.stream?.remoteAddress;
  }

  get rawHeaders(): readonly string[] {
    return this.#request.rawHeaders;
  }

  get body(): AsyncIterable<Aggregate> | undefined {
    return hasBody(this.#request) ? bodyOf(this.#request, this.#options) : undefined;
  }

  header(name: string): string | undefined {
    const { headers } = this.#request;
    // By its own fields alone: it has `constructor` too.
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
    return Array.isArray(value) ? value.join(', ') : value;
  }

  interim(status: number, headers: HeaderList): void {
    const { response } = this.#options;
    if (response === undefined || response.headersSent || isGone(response)) return;
    writeInterim(this.#request.httpVersion, response, status, headers);
  }

  earlyHints(links: readonly string[]): void {
    const { response } = this.#options;
    if (this.#hinted || links.length === 0 || response === undefined || response.headersSent) return;
    this.#hinted = true;
    response.writeEarlyHints({ link: [...links] });
  }
}

function hasBody(request: NodeRequest): boolean {
  if (isHttp2Request(request)) return !request.stream.endAfterHeaders;
  const { headers } = request;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

async function* bodyOf(
  request: NodeRequest,
  { pool, bodyWanted }: AdapterOptions,
): AsyncGenerator<Aggregate> {
  bodyWanted?.();
  const isShort = Number(request.headers['content-length'] ?? Number.NaN) <= SHORT_BYTES;
  const gathered: Buffer[] = [];
  let placedBytes = 0;
  try {
    for await (const bytes of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (pool === undefined) yield Aggregate.adopt(bytes);
      else if (isShort) gathered.push(bytes);
      else {
        yield await placedIn(pool, bytes, placedBytes);
        placedBytes += bytes.length;
      }
    }
    if (pool !== undefined && gathered.length > 0) yield await placedIn(pool, Buffer.concat(gathered), 0);
  } finally {
    // Node drops what nobody has begun to read, and no more: the connection would never go on.
    request.resume();
  }
}

/**
 * Has a handler answer a request of node:http or node:http2, and sends what it says. The answer is given up
 * when the client is gone.
 * @returns false when the handler has no answer: nothing was sent. True when the answer was sent or the
 *   client is gone
 * @throws what the handler failed with, unless the client is gone
 */
export async function handle(
  handler: Handler,
  request: ServerRequest,
  response: NodeResponse,
): Promise<boolean> {
  const answering = requestAnswer(handler, request, response);
  const answer = answering instanceof Promise ? await answering : answering;
  if (answer === undefined) return isGone(response);
  await writeAnswer(response, answer, request.method);
  return true;
}

/**
 * What a handler answers; without a promise, if it answers at once. The answer is given up when the client is
 * gone.
 * @returns undefined when the handler has none, or the client has left meanwhile
 * @throws what the handler failed with, unless the client is gone
 */
export function requestAnswer(
  handler: Handler,
  request: ServerRequest,
  response: NodeResponse,
): Answer | undefined | Promise<Answer | undefined> {
  const awaited = new AwaitedAnswer();
  const answering = awaited.ask(handler, request);
  if (!(answering instanceof Promise)) return answering;
  const giveUp = (): void => awaited.giveUp();
  response.once('close', giveUp);
  return answering.finally(() => response.off('close', giveUp));
}

/**
 * Sends an answer and ends the response. The body is released in every case: sent, not wanted (HEAD, 204,
 * 304), or the client gone, which is no error. Aggregates are sent from the memory they are in (see
 * sendAggregate), but for the smallest. A body that fails midway destroys the response: only the connection's
 * end can tell the client.
 * @param method of the request
 * @param visible whether the response's methods are to tell its fields afterwards: that costs node:http some
 *   microseconds
 * @returns when the body is released: how many bytes of it the response took, undefined if not even its
 *   header was written
 */
export async function writeAnswer(
  response: NodeResponse,
  answer: Answer,
  method = 'GET',
  visible = true,
): Promise<number | undefined> {
  const { status, body, tunnel } = answer;
  const headers = fieldsFor(status, answer.headers);
  if (isGone(response) || response.headersSent) {
    releaseBody(body);
    tunnel?.abandon();
    return undefined;
  }
  if (tunnel !== undefined) return openTunnel(response as ServerResponse, answer, tunnel);
  try {
    if (visible || isHttp2Response(response)) writeFields(response, status, headers);
    else response.writeHead(status, headers as string[]);
  } catch (error) {
    releaseBody(body);
    throw error;
  }
  if (method === 'HEAD' || status === 204 || status === 304) {
    response.end();
    releaseBody(body);
    return 0;
  }
  if (body === undefined) {
    response.end();
    return 0;
  }
  if (!Aggregate.isAggregate(body)) return pump(response, body);
  const isDirect = wayOf(response) === 'direct';
  return isDirect && body.length <= SMALL_BYTES ? endWith(response, body) : sendAll(response, body);
}

function writeFields(response: NodeResponse, status: number, headers: HeaderList): void {
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    const value = headers[index + 1] as string;
    if (isRepeated(headers, index)) response.appendHeader(name, value);
    else response.setHeader(name, value);
  }
  response.writeHead(status);
}

function endWith(response: NodeResponse, body: Aggregate): number {
  const { length } = body;
  // As text of one byte a character it joins the header, which is text too.
  (response as ServerResponse).end(body.toString('latin1'), 'latin1');
  body.release();
  return length;
}

async function sendAll(response: NodeResponse, body: Aggregate): Promise<number> {
  let sent = 0;
  const taken = (bytes: number): void => {
    sent = bytes;
  };
  try {
    if (wayOf(response) !== 'direct') {
      using writer = new CopyingWriter(response);
      sent = await writer.write(body);
    } else {
      const { stream, head } = directWay(response) ?? { stream: response };
      await sendAggregate(stream, body, { head, taken });
    }
    response.end();
  } catch {
    // The client is gone.
    response.destroy();
  } finally {
    body.release();
  }
  return sent;
}

/**
 * The socket, and the header unless it has that, if the body can go into it directly: no chunks, nobody
 * before us who has not finished.
 */
function directWay(response: NodeResponse): { stream: Socket; head: Buffer | undefined } | undefined {
  if (isHttp2Response(response)) return undefined;
  // In a queue of pipelined responses only the first has it.
  const { socket } = response;
  if (socket === null || response.chunkedEncoding) return undefined;
  return { stream: socket, head: holdHead(response, socket) };
}

async function pump(response: NodeResponse, body: AsyncIterable<Aggregate>): Promise<number> {
  let sent = 0;
  const taken = (bytes: number): void => {
    sent += bytes;
  };
  const iterator = body[Symbol.asyncIterator]();
  // A body that waits for its next piece ends when the client does.
  const close = (): void => void iterator.return?.()?.catch(() => {});
  response.once('close', close);
  using writer = wayOf(response) !== 'direct' ? new CopyingWriter(response) : undefined;
  try {
    for (;;) {
      const { done, value } = await iterator.next();
      if (done === true) break;
      try {
        if (writer !== undefined) taken(await writer.write(value));
        else await sendAggregate(response, value, { taken });
      } finally {
        value.release();
      }
    }
    response.end();
  } catch {
    response.destroy();
    await Promise.resolve(iterator.return?.()).catch(() => {});
  } finally {
    response.off('close', close);
  }
  return sent;
}
