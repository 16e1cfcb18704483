import { Aggregate } from '../aggregate/aggregate.ts';
import { IoliteError } from '../base/error.ts';
import { invariant } from '../base/invariant.ts';
import { turn } from './flow/turn.ts';
import type { Message } from './message.ts';
import type { MessageToSend } from './message-content.ts';
import { NumberTable } from './number-table.ts';
import { SENT } from './sender.ts';
import { describeFailure } from './wire/failure.ts';
import { checkLength, type Frame, MessageKind, protocolError } from './wire/frame.ts';

/** Answers a request. Takes over the request's body, and the channel takes over the answer's. */
export type RequestHandler = (
  message: Message,
  context: RequestContext,
) => MessageToSend | undefined | Promise<MessageToSend | undefined>;

/** What the responder needs of its channel. */
export interface ResponderHost {
  /** Sends an answer. */
  send(kind: number, correlation: number, message: MessageToSend): Promise<void>;
  /** A request is done with. @param weight of its message */
  answered(weight: number): void;
  /** Whether the peer has taken so much of what it was answered that it may be answered more. */
  mayAnswer(): boolean;
}

/** What requests may weigh together that wait for a handler. Most programs set it before the first comes. */
const MAX_EARLY_BYTES = 1024 ** 2;

/** A request that is not answered. */
interface OpenRequest {
  readonly correlation: number;
  readonly message: Message;
  readonly context: RequestContext;
}

/** What a handler may ask of the request it answers. */
export class RequestContext {
  /** The requester's number of it, and not that of another one that is not answered. */
  readonly number: number;
  #controller: AbortController | undefined;
  #ended = false;
  #reason: unknown;
  readonly #weight: number;

  constructor(number: number, weight = 0) {
    this.number = number;
    this.#weight = weight;
  }

  /** What the request's message weighs. */
  static weightOf(context: RequestContext): number {
    return context.#weight;
  }

  /** Aborted when the peer no longer waits. Made when first asked for: most handlers never do. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#ended) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  /** Gives the request up. */
  abort(reason?: Error): void {
    this.#ended = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}

/**
 * The peer's requests, from their arrival until they are answered. The handler is not called while the peer
 * has not taken what it was answered before: it runs out of credit then, and is cut off if it goes on.
 */
export class Responder {
  readonly #host: ResponderHost;
  /** Requests that came before there was a handler, or while the peer has to take its answers. */
  readonly #waiting: OpenRequest[] = [];
  #waitingBytes = 0;
  /** Requests that were not answered, to be told when the peer gives up. */
  readonly #answering = new NumberTable<RequestContext>();
  #handler: RequestHandler | undefined;

  constructor(host: ResponderHost) {
    this.#host = host;
  }

  set handler(handler: RequestHandler) {
    this.#handler = handler;
    this.resume();
  }

  /**
   * A request arrived. Where nobody answers and too much waits already, it is refused. @param weight of it
   * @throws ERR_IOLITE_PROTOCOL when its number is that of another one
   */
  request(correlation: number, message: Message, weight: number): void {
    if (this.#answering.has(correlation)) {
      message.body?.release();
      throw protocolError(`request ${correlation} came while it was being answered`);
    }
    const context = new RequestContext(correlation, weight);
    this.#answering.add(correlation, context);
    if (this.#handler !== undefined && this.#waiting.length === 0 && this.#host.mayAnswer()) {
      this.#answer(this.#handler, correlation, message, context);
    } else if (this.#handler === undefined && this.#waitingBytes + weight > MAX_EARLY_BYTES) {
      message.body?.release();
      this.#fail(correlation, new IoliteError('ERR_IOLITE_UNSUPPORTED', 'Nobody answers requests here'));
    } else {
      this.#waiting.push({ correlation, message, context });
      this.#waitingBytes += weight;
    }
  }

  /**
   * A request arrived whose body could not be kept: that is its answer. @param weight of it
   * @throws ERR_IOLITE_PROTOCOL when its number is that of another one
   */
  refuse(correlation: number, weight: number, error: Error): void {
    if (this.#answering.has(correlation))
      throw protocolError(`request ${correlation} came while it was being answered`);
    this.#answering.add(correlation, new RequestContext(correlation, weight));
    this.#fail(correlation, error);
  }

  /** Answers what waits, as far as that may be now. */
  resume(): void {
    while (this.#waiting.length > 0 && this.#handler !== undefined && this.#host.mayAnswer()) {
      const { correlation, message, context } = this.#waiting.shift() as OpenRequest;
      this.#waitingBytes -= RequestContext.weightOf(context);
      this.#answer(this.#handler, correlation, message, context);
    }
  }

  /** A CANCEL frame: the peer no longer waits for an answer. */
  cancel(frame: Frame): void {
    checkLength(frame, 4);
    this.#answering.get(frame.body.readUInt32LE(0))?.abort();
  }

  /** The channel is closed. */
  end(reason: Error): void {
    for (const { message } of this.#waiting.splice(0)) message.body?.release();
    this.#waitingBytes = 0;
    for (const [, context] of this.#answering.entries()) context.abort(reason);
  }

  /** A handler that answers at once costs no promise. */
  #answer(handler: RequestHandler, correlation: number, message: Message, context: RequestContext): void {
    let answer: ReturnType<RequestHandler>;
    try {
      answer = handler(message, context);
    } catch (error) {
      this.#fail(correlation, error);
      return;
    }
    if (!isThenable(answer)) {
      this.#respond(correlation, answer);
      return;
    }
    turn.handlerGoesOn();
    // Of what only looks like a promise one is made, which settles once.
    const promise = answer instanceof Promise ? answer : Promise.resolve(answer);
    promise.then(
      later => this.#respond(correlation, later),
      error => this.#fail(correlation, error),
    );
  }

  #respond(correlation: number, given: MessageToSend | undefined): void {
    const answer = given ?? {};
    const { body } = answer;
    const sent = this.#host.send(MessageKind.RESPONSE, correlation, answer);
    if (sent === SENT) this.#done(correlation, body);
    else
      sent.then(
        () => this.#done(correlation, body),
        error => this.#fail(correlation, error, body),
      );
  }

  #fail(correlation: number, error: unknown, body?: unknown): void {
    const sent = this.#host.send(MessageKind.FAILURE, correlation, { head: describeFailure(error) });
    const done = (): void => this.#done(correlation, body);
    // When even this cannot be sent the channel is closed, and the requester knows.
    if (sent === SENT) done();
    else sent.then(done, done);
  }

  #done(correlation: number, body: unknown): void {
    if (Aggregate.isAggregate(body) && !body.released) body.release();
    const context = this.#answering.take(correlation);
    invariant(context !== undefined, 'a request is answered once');
    this.#host.answered(RequestContext.weightOf(context));
  }
}

function isThenable(value: unknown): value is PromiseLike<MessageToSend | undefined> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
