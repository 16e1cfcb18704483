import { Aggregate } from '../aggregate/aggregate.ts';
import { invariant } from '../base/invariant.ts';
import { NumberTable } from '../base/number-table.ts';
import type { Message } from './message.ts';
import { SENT } from './sender.ts';
import { describeFailure } from './wire/failure.ts';
import { checkLength, type Frame, MessageKind, protocolError } from './wire/frame.ts';

/** Answers a request. Takes over the request's body, and the channel takes over the answer's. */
export type RequestHandler = (
  message: Message,
  context: RequestContext,
) => Message | undefined | Promise<Message | undefined>;

/** What a handler may ask of the request it answers. */
export class RequestContext {
  /** The requester's number of it, and not that of another one that is not answered. */
  readonly number: number;
  #controller: AbortController | undefined;
  #ended = false;
  #reason: unknown;

  constructor(number: number) {
    this.number = number;
  }

  /** Aborted when the peer no longer waits. Made when first asked for: most handlers never do. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#ended) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  abort(reason?: Error): void {
    this.#ended = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}

/** The peer's requests, from their arrival until they are answered. */
export class Responder {
  readonly #send: (kind: number, correlation: number, message: Message) => Promise<void>;
  readonly #answered: () => void;
  /** Requests that came before there was a handler. */
  readonly #waiting: { correlation: number; message: Message; context: RequestContext }[] = [];
  /** Requests that were not answered, to be told when the peer gives up. */
  readonly #answering = new NumberTable<RequestContext>();
  #handler: RequestHandler | undefined;

  /**
   * @param send sends an answer
   * @param answered called as each request is done with
   */
  constructor(
    send: (kind: number, correlation: number, message: Message) => Promise<void>,
    answered: () => void,
  ) {
    this.#send = send;
    this.#answered = answered;
  }

  set handler(handler: RequestHandler) {
    this.#handler = handler;
    for (const { correlation, message, context } of this.#waiting.splice(0)) {
      this.#take(correlation, message, context);
    }
  }

  /** A request arrived. @throws ERR_IOLITE_PROTOCOL when its number is that of another one */
  request(correlation: number, message: Message): void {
    if (this.#answering.has(correlation)) {
      message.body?.release();
      throw protocolError(`request ${correlation} came while it was being answered`);
    }
    const context = new RequestContext(correlation);
    this.#answering.add(correlation, context);
    this.#take(correlation, message, context);
  }

  #take(correlation: number, message: Message, context: RequestContext): void {
    if (this.#handler === undefined) this.#waiting.push({ correlation, message, context });
    else this.#answer(this.#handler, correlation, message, context);
  }

  /** A CANCEL frame: the peer no longer waits for an answer. */
  cancel(frame: Frame): void {
    checkLength(frame, 4);
    this.#answering.get(frame.body.readUInt32LE(0))?.abort();
  }

  /** The channel is closed. */
  end(reason: Error): void {
    for (const { message } of this.#waiting.splice(0)) message.body?.release();
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
    // Of what only looks like a promise one is made, which settles once.
    const promise = answer instanceof Promise ? answer : Promise.resolve(answer);
    promise.then(
      later => this.#respond(correlation, later),
      error => this.#fail(correlation, error),
    );
  }

  #respond(correlation: number, given: Message | undefined): void {
    const answer = given ?? {};
    const { body } = answer;
    const sent = this.#send(MessageKind.RESPONSE, correlation, answer);
    if (sent === SENT) this.#done(correlation, body);
    else
      sent.then(
        () => this.#done(correlation, body),
        error => this.#fail(correlation, error, body),
      );
  }

  #fail(correlation: number, error: unknown, body?: unknown): void {
    // When even this cannot be sent the channel is closed, and the requester knows.
    this.#send(MessageKind.FAILURE, correlation, { head: describeFailure(error) }).catch(() => {});
    this.#done(correlation, body);
  }

  #done(correlation: number, body: unknown): void {
    if (Aggregate.isAggregate(body) && !body.released) body.release();
    const context = this.#answering.take(correlation);
    invariant(context !== undefined, 'a request is answered once');
    this.#answered();
  }
}

function isThenable(value: unknown): value is PromiseLike<Message | undefined> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
