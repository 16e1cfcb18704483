import { Aggregate } from '../../../aggregate/aggregate.ts';
import type { Pool } from '../../../aggregate/pool.ts';
import type { StreamLike } from '../../../aggregate/stream/from-stream.ts';
import { sourceOf } from '../../../aggregate/stream/stream-source.ts';
import { isBytes } from '../../../base/bytes.ts';
import { ArgumentError, checkInteger, describe, IoliteError } from '../../../base/error.ts';
import { ignore } from '../../../base/ignore.ts';
import type { Channel } from '../../../ipc/channel.ts';
import type { Message } from '../../../ipc/message.ts';
import type { RequestContext } from '../../../ipc/responder.ts';
import { BodyKind, DRAIN, decodeRequest, encodeInterim, type InterimHead } from '../app-protocol.ts';
import { StreamMatcher } from '../stream-matcher.ts';
import { AppRequest } from './app-request.ts';
import type { AppHandler, AppResponse } from './application.ts';
import { responseHead } from './response-head.ts';
import type { SiteCache } from './site-cache.ts';

export interface AppSessionOptions {
  readonly handler: AppHandler;
  /** Where strings, bytes and streams that it answers with are put. */
  readonly pool: Pool;
  /** What requests have as their cache. */
  readonly cache: SiteCache;
  /** Told what the handler threw. */
  readonly failed: (error: unknown, request: AppRequest) => void;
}

/** One server at the other end of a channel, whose requests the application answers. */
export class AppSession {
  readonly #channel: Channel;
  readonly #options: AppSessionOptions;
  /** For bodies that come as streams. */
  readonly #streams = new StreamMatcher();

  constructor(channel: Channel, options: AppSessionOptions) {
    this.#channel = channel;
    this.#options = options;
    channel.onRequest((message, context) => this.#answer(message, context));
    void this.#takeStreams();
  }

  /** Asks the server for no more requests. Resolves when it has closed the channel: all are answered then. */
  async drain(): Promise<void> {
    if (this.#channel.closed) return;
    const closed = new Promise<void>(resolve => this.#channel.once('close', () => resolve()));
    this.#channel.send({ head: DRAIN }).catch(() => {});
    await closed;
  }

  /** Goes ahead of the answer; where it cannot be sent, neither can that. */
  #sendInterim(interim: InterimHead): void {
    if (!this.#channel.closed) this.#channel.send({ head: encodeInterim(interim) }).catch(ignore);
  }

  async #takeStreams(): Promise<void> {
    try {
      for await (const { head, body, stream } of this.#channel) {
        body?.release();
        if (stream !== undefined) this.#streams.arrived(Number(head), stream);
      }
    } catch {
      // Requests learn of the channel's end by their signal.
    }
    this.#streams.end(new IoliteError('ERR_IOLITE_PEER', 'Cannot read body: the server is gone'));
  }

  /** An application that answers at once costs no promise. */
  #answer(message: Message, context: RequestContext): Message | Promise<Message> {
    const { body } = message;
    const id = context.number;
    let request: AppRequest;
    try {
      const head = decodeRequest(message.head);
      if (this.#streams.isOpen(id))
        throw new ArgumentError(`Cannot answer: request ${id} is under way already`);
      if (head.body === BodyKind.STREAM) this.#streams.open(id);
      request = new AppRequest(head, {
        body,
        context,
        cache: this.#options.cache,
        takeStream: () => this.#streams.take(id),
        interim: (status, headers) => this.#sendInterim({ number: id, status, headers }),
      });
    } catch (error) {
      body?.release();
      throw error;
    }
    const over = (unwanted = false): void => {
      body?.release();
      this.#streams.close(id);
      if (unwanted) context.abort();
    };
    try {
      const response = this.#options.handler(request);
      if (isThenable(response)) return this.#answerLater(id, request, response, over);
      return this.#send(id, request, response, over);
    } catch (error) {
      return this.#fail(error, request, over);
    }
  }

  async #answerLater(
    id: number,
    request: AppRequest,
    response: Promise<AppResponse>,
    over: Over,
  ): Promise<Message> {
    try {
      return this.#send(id, request, await response, over);
    } catch (error) {
      return this.#fail(error, request, over);
    }
  }

  #fail(error: unknown, request: AppRequest, over: Over): never {
    over();
    // Nobody waits for the answer: to give up is what the application was asked for.
    if (!request.signal.aborted) this.#options.failed(error, request);
    throw new IoliteError('ERR_IOLITE_APPLICATION', 'The application failed');
  }

  /** @param over called when nothing of the request is needed any more; not when this throws */
  #send(id: number, request: AppRequest, response: AppResponse, over: Over): Message {
    if (typeof response !== 'object' || response === null) {
      throw new ArgumentError(`Cannot answer: a response is wanted, ${describe(response)} was given`);
    }
    const { status = 200, body } = response;
    let whole: Aggregate | undefined;
    try {
      checkInteger(status, 'status', 200, 599);
      whole = this.#whole(body);
      const kind = kindOf(body, whole);
      const isDue = kind !== BodyKind.STREAM && lengthIsDue(status, request, whole);
      const length = isDue ? (whole?.length ?? 0) : undefined;
      const isText = typeof body === 'string';
      const head = responseHead(response.headers, { status, body: kind, length, isText });
      if (kind === BodyKind.STREAM) this.#sendStream(id, request, body as StreamLike, over);
      else over();
      return whole === undefined ? { head } : { head, body: whole };
    } catch (error) {
      cancelBody(whole ?? body, error);
      throw error;
    }
  }

  #sendStream(id: number, request: AppRequest, stream: StreamLike, over: Over): void {
    this.#channel.sendStream(stream, { head: id, pool: this.#options.pool }).then(
      () => over(),
      error => {
        // A server that wants no more of it is no failure.
        const { code } = (error ?? {}) as { code?: unknown };
        const unwanted = code === 'ERR_IOLITE_CLOSED' || code === 'ERR_IOLITE_PEER';
        if (!unwanted) this.#options.failed(error, request);
        over(unwanted);
      },
    );
  }

  /** The body as an aggregate, unless it is a stream or there is none. */
  #whole(body: AppResponse['body']): Aggregate | undefined {
    if (Aggregate.isAggregate(body)) return body;
    if (typeof body === 'string' || isBytes(body)) return this.#options.pool.from(body);
    return undefined;
  }
}

/**
 * Called when nothing of a request is needed any more. @param unwanted whether that is as nobody takes its
 * answer
 */
type Over = (unwanted?: boolean) => void;

function isThenable(value: unknown): value is Promise<AppResponse> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

/** Whether Content-Length says something: nothing does of a body that is left out (RFC 9110, 8.6). */
function lengthIsDue(status: number, { method }: AppRequest, body: Aggregate | undefined): boolean {
  return status !== 204 && status !== 304 && (body !== undefined || method !== 'HEAD');
}

/** One of {@link BodyKind}. */
function kindOf(body: AppResponse['body'], whole: Aggregate | undefined): number {
  if (whole !== undefined) return BodyKind.WHOLE;
  return body === undefined || body === null ? BodyKind.NONE : BodyKind.STREAM;
}

/** Lets go of a body that is not sent. */
function cancelBody(body: AppResponse['body'], reason: unknown): void {
  if (Aggregate.isAggregate(body)) {
    if (!body.released) body.release();
  } else if (typeof body === 'object' && body !== null && !isBytes(body)) {
    try {
      sourceOf(body).cancel(reason);
    } catch {
      // It is no stream either.
    }
  }
}
