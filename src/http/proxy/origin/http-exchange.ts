import { type Duplex, Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Aggregate } from '../../../aggregate/aggregate.ts';
import { IoliteError } from '../../../base/error.ts';
import { fieldOf, type HeaderList } from '../../message/header-list.ts';
import { loopTurn } from '../../message/loop-turn.ts';
import { type ExchangeTimes, ExchangeWait } from './exchange-times.ts';
import type { Exchange, OriginRequest, Receive, ResponseHead } from './origin.ts';
import type { OriginConnections } from './origin-connections.ts';
import { isRetryable, originError } from './origin-error.ts';
import { type OriginPlaces, PlaceHolder } from './origin-places.ts';
import { PieceQueue } from './piece-queue.ts';
import { ReceivedBody } from './received-body.ts';

/** Methods of requests that change nothing (RFC 9110, 9.2.1). */
const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS'];
/** Interim responses that an origin may send in a second. */
const MAX_INTERIM_RESPONSES = 32;
const EVENT_STREAM = /^\s*text\/event-stream\s*(?:;|$)/i;

/** What all exchanges with an origin have in common. */
export interface ExchangeContext {
  readonly connections: OriginConnections;
  readonly places: OriginPlaces;
  readonly times: ExchangeTimes;
}

/**
 * A request to an origin over HTTP/1.1, from the wait for a place until its response has come whole.
 *
 *     waiting -> asked      it has a place
 *     asked   -> receiving  the head of a response has come
 *     asked   -> asked      the connection was closed already: once more
 *     any     -> over       all has come; it failed, took too long, or was aborted
 */
export class HttpExchange<T> extends PlaceHolder implements Exchange<T> {
  readonly received: Promise<T>;
  readonly #context: ExchangeContext;
  readonly #request: OriginRequest;
  readonly #receive: Receive<T>;
  readonly #body: ReceivedBody;
  readonly #pieces: PieceQueue;
  /** For the head, or for the next piece of the body. */
  readonly #wait = new ExchangeWait(() => this.#timedOut());
  /** Until it counts as one that stays open, if there is room for one. */
  readonly #soon = new ExchangeWait(() => void this.#context.places.enterStream(this));
  #retries: number;
  #resolve: (result: T) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #controller: Dispatcher.DispatchController | undefined;
  #state: 'waiting' | 'asked' | 'receiving' | 'over' = 'waiting';
  #hasEvents = false;
  /** Bytes of the body that are to come, as far as its head says. */
  #left = Number.POSITIVE_INFINITY;
  /** Whether the readers of the body have enough for now. */
  #isHeld = false;
  /** Whether others have their turn first. */
  #yields = false;
  /** Interim responses in a second, and which one. */
  #interim = { count: 0, second: 0 };

  /** Call {@link enter} to send it. */
  constructor(context: ExchangeContext, request: OriginRequest, receive: Receive<T>) {
    super();
    this.#context = context;
    this.#request = request;
    this.#receive = receive;
    this.#retries = request.body === undefined && SAFE_METHODS.includes(request.method) ? 1 : 0;
    this.received = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#body = new ReceivedBody({
      pause: () => {
        // How long a client takes is not the origin's concern.
        this.#wait.end();
        this.#isHeld = true;
        this.#pause();
      },
      resume: () => {
        this.#awaitPiece();
        this.#isHeld = false;
        if (!this.#yields) this.#controller?.resume();
      },
      abort: () => this.abort(),
    });
    this.#pieces = new PieceQueue(piece => this.#body.push(piece));
  }

  /** Sends the request as soon as there is a place for it. */
  enter(): void {
    const { places } = this.#context;
    const { headers, upgrade } = this.#request;
    // What a client says it waits for mostly comes.
    const staysOpen = upgrade !== undefined || EVENT_STREAM.test(fieldOf(headers, 'accept') ?? '');
    if (staysOpen && places.enterStream(this)) this.#send();
    else if (upgrade === undefined) places.enter(this);
    else this.#fail(places.tooManyStreams());
  }

  abort(): void {
    this.#fail(aborted());
  }

  protected begin(): void {
    this.#soon.begin(this.#context.times.long);
    this.#send();
  }

  protected refused(reason: unknown): void {
    this.#fail(reason as Error);
  }

  #send(): void {
    const { method, path, headers, body, upgrade } = this.#request;
    const requestedAt = Date.now();
    this.#state = 'asked';
    const source = body === undefined ? null : Readable.from(this.#bytesOf(body), { objectMode: false });
    this.#context.connections.dispatch(
      {
        method: method as Dispatcher.HttpMethod,
        path,
        headers: [...headers],
        body: source,
        upgrade: upgrade ?? null,
      },
      {
        onRequestStart: controller => {
          this.#controller = controller;
          if (this.#state === 'over') controller.abort(aborted());
          else this.#wait.begin(this.#context.times.head);
        },
        onResponseStart: (controller, status) => this.#headCame(controller, status, requestedAt),
        onRequestUpgrade: (controller, status, _, socket) =>
          this.#upgraded(controller, { status, socket, requestedAt }),
        onResponseData: (controller, bytes) => {
          this.#awaitPiece();
          this.#pieces.push(bytes);
          this.#left -= bytes.length;
          if (loopTurn.isOver) this.#yield(controller);
        },
        onResponseEnd: () => {
          this.#end();
          this.#pieces.flush();
          this.#body.end();
        },
        onResponseError: (_, cause) => {
          const error = originError(cause, this.#state === 'receiving');
          if (this.#state !== 'asked' || !isRetryable(error) || this.#retries === 0) return this.#fail(error);
          this.#retries -= 1;
          this.#wait.end();
          this.#send();
        },
      },
    );
  }

  #headCame(controller: Dispatcher.DispatchController, status: number, requestedAt: number): void {
    const headers = linesOf(controller);
    if (this.#state === 'over') return;
    if (status < 200) return this.#interimCame(status, headers);
    const problem = problemOf(status, headers);
    if (problem !== undefined) {
      this.#fail(new IoliteError('ERR_IOLITE_PROTOCOL', `The origin answered with ${problem}`));
      return;
    }
    if (!this.#hasRoom(headers)) return;
    this.#state = 'receiving';
    this.#left = Number(fieldOf(headers, 'content-length') ?? Number.POSITIVE_INFINITY);
    this.#awaitPiece();
    this.#resolve(this.#receive({ status, headers, requestedAt, receivedAt: Date.now() }, this.#body));
  }

  #interimCame(status: number, headers: HeaderList): void {
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#interim.second) this.#interim = { count: 0, second };
    this.#interim.count += 1;
    if (this.#interim.count > MAX_INTERIM_RESPONSES) {
      const problem = `more than ${MAX_INTERIM_RESPONSES} interim responses in a second`;
      this.#fail(new IoliteError('ERR_IOLITE_PROTOCOL', `The origin answered with ${problem}`));
      return;
    }
    this.#wait.begin(this.#context.times.head);
    this.#request.interim?.(status, headers);
  }

  /** Where all has come the origin may end the connection, which would be taken for an end before that. */
  #pause(): void {
    if (this.#left > 0) this.#controller?.pause();
  }

  /** Others have their turn before more of the body is read. */
  #yield(controller: Dispatcher.DispatchController): void {
    if (this.#yields) return;
    this.#yields = true;
    this.#pause();
    loopTurn.wait(() => {
      this.#yields = false;
      if (!this.#isHeld && this.#state === 'receiving') controller.resume();
    });
  }

  /** The connection has gone over to another protocol. It keeps its place until it is closed. */
  #upgraded(controller: Dispatcher.DispatchController, head: Upgraded): void {
    const { socket } = head;
    if (this.#state === 'over') {
      socket.destroy();
      return;
    }
    this.#state = 'receiving';
    this.#wait.end();
    socket.once('close', () => this.#end());
    this.#body.end();
    this.#resolve(
      this.#receive({ ...head, headers: linesOf(controller), receivedAt: Date.now() }, this.#body),
    );
  }

  /** An event stream stays open, and takes a place that is meant for that; it is refused if none is free. */
  #hasRoom(headers: HeaderList): boolean {
    this.#hasEvents = EVENT_STREAM.test(fieldOf(headers, 'content-type') ?? '');
    const { places } = this.#context;
    if (!this.#hasEvents || this.place === 'stream' || places.enterStream(this)) return true;
    this.#fail(places.tooManyStreams());
    return false;
  }

  #awaitPiece(): void {
    if (this.#state !== 'receiving') return;
    const { event, piece } = this.#context.times;
    this.#wait.begin(this.#hasEvents ? event : piece);
  }

  #timedOut(): void {
    const what = this.#state === 'receiving' ? 'broke off its response' : 'sent no response';
    this.#fail(new IoliteError('ERR_IOLITE_TIMEOUT', `The origin ${what}: it took too long`));
  }

  #fail(error: Error): void {
    if (this.#state === 'over') return;
    this.#end();
    this.#reject(error);
    this.#pieces.flush();
    this.#body.fail(error);
    this.#controller?.abort(error);
  }

  #end(): void {
    this.#state = 'over';
    this.#wait.end();
    this.#soon.end();
    this.#context.places.leave(this);
  }

  /**
   * A copy of what aggregates hold: it may wait in a socket's buffers when the pool has its buffers back.
   * When the origin wants no more of it, reading is left off, and not ended: that would take the client's
   * connection with it, and what the origin says. While the client is waited for, the origin is not.
   */
  async *#bytesOf(body: AsyncIterable<Aggregate>): AsyncGenerator<Buffer> {
    const pieces = body[Symbol.asyncIterator]();
    for (;;) {
      this.#wait.end();
      const { done, value } = await pieces.next();
      if (this.#state === 'asked') this.#wait.begin(this.#context.times.head);
      if (done === true) return;
      using piece: Aggregate = value;
      yield piece.toBuffer();
    }
  }
}

type Upgraded = Required<Pick<ResponseHead, 'status' | 'requestedAt'>> & { readonly socket: Duplex };

/** Why a response cannot be passed on, or undefined if it can. */
function problemOf(status: number, headers: HeaderList): string | undefined {
  if (status > 599) return `status ${status}`;
  // Nobody asked for another one (TE), which would stay in the bytes while its name is taken off.
  const coding = fieldOf(headers, 'transfer-encoding');
  const isKnown = coding === undefined || coding.trim().toLowerCase() === 'chunked';
  return isKnown ? undefined : `transfer coding ${JSON.stringify(coding.slice(0, 40))}`;
}

function linesOf({ rawHeaders }: Dispatcher.DispatchController): string[] {
  return (rawHeaders as Buffer[]).map(each => each.toString('latin1'));
}

function aborted(): Error {
  return new DOMException('Nobody waits for the response any more', 'AbortError');
}
