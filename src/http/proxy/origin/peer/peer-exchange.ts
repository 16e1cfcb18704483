import type { Aggregate } from '../../../../aggregate/aggregate.ts';
import { ArgumentError, IoliteError } from '../../../../base/error.ts';
import { isField } from '../../../message/header-list.ts';
import { loopTurn } from '../../../message/loop-turn.ts';
import { type ExchangeTimes, ExchangeWait } from '../exchange-times.ts';
import type { Exchange, OriginRequest, Receive } from '../origin.ts';
import { type OriginPlaces, PlaceHolder } from '../origin-places.ts';
import { ReceivedBody } from '../received-body.ts';
import type { PeerConnection, ResponseTaker } from './peer-connection.ts';
import type { ParsedHead } from './response-head.ts';

/** What all exchanges with a machine have in common. */
export interface PeerContext {
  /** @param fresh whether it may be none that was kept from before */
  connection(fresh: boolean): PeerConnection;
  readonly places: OriginPlaces;
  readonly times: ExchangeTimes;
}

const PATH = /^\/[\x21-\x7e]*$/;

/**
 * A GET to another machine, from the wait for a place until its response has come whole.
 *
 *     waiting -> asked      it has a place
 *     asked   -> asked      the connection was closed already: once more, on a new one
 *     asked   -> receiving  the head of a response has come
 *     any     -> over       all has come; it failed, took too long, or was aborted
 */
export class PeerExchange<T> extends PlaceHolder implements Exchange<T>, ResponseTaker {
  readonly received: Promise<T>;
  readonly #context: PeerContext;
  readonly #request: OriginRequest;
  readonly #receive: Receive<T>;
  readonly #body: ReceivedBody;
  /** For the head, or for the next piece of the body. */
  readonly #wait = new ExchangeWait(() => this.#tookTooLong());
  /** Until it counts as one that stays open, if there is room for one. */
  readonly #soon = new ExchangeWait(() => void this.#context.places.enterStream(this));
  #resolve: (result: T) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #connection: PeerConnection | undefined;
  #state: 'waiting' | 'asked' | 'receiving' | 'over' = 'waiting';
  #requestedAt = 0;
  /** Whether the readers of the body have enough for now. */
  #isHeld = false;
  /** Whether others have their turn first. */
  #yields = false;

  /** Call {@link enter} to send it. */
  constructor(context: PeerContext, request: OriginRequest, receive: Receive<T>) {
    super();
    this.#context = context;
    this.#request = request;
    this.#receive = receive;
    this.received = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#body = new ReceivedBody({
      pause: () => {
        // How long a client takes is not the machine's concern.
        this.#wait.end();
        this.#isHeld = true;
        this.#connection?.pause();
      },
      resume: () => {
        this.#isHeld = false;
        if (this.#state !== 'receiving') return;
        this.#wait.begin(this.#context.times.piece);
        if (!this.#yields) this.#connection?.resume();
      },
      abort: () => this.abort(),
    });
  }

  /** Sends the request as soon as there is a place for it. */
  enter(): void {
    this.#context.places.enter(this);
  }

  abort(): void {
    this.#giveUp(new DOMException('Nobody waits for the response any more', 'AbortError'));
  }

  protected begin(): void {
    this.#soon.begin(this.#context.times.long);
    try {
      this.#ask(headOf(this.#request), false);
    } catch (error) {
      this.#giveUp(error as Error);
    }
  }

  protected refused(reason: unknown): void {
    this.#giveUp(reason as Error);
  }

  #ask(head: string, fresh: boolean): void {
    this.#state = 'asked';
    this.#requestedAt = Date.now();
    this.#wait.begin(this.#context.times.head);
    this.#connection = this.#context.connection(fresh);
    this.#connection.ask(head, this);
  }

  // What comes

  headCame({ status, headers }: ParsedHead): void {
    this.#state = 'receiving';
    this.#wait.begin(this.#context.times.piece);
    const head = { status, headers, requestedAt: this.#requestedAt, receivedAt: Date.now() };
    this.#resolve(this.#receive(head, this.#body));
  }

  bodyCame(piece: Aggregate): void {
    // What comes in one read does so after a pause, too, in which the machine is not waited for.
    if (!this.#isHeld) this.#wait.begin(this.#context.times.piece);
    this.#body.append(piece);
    if (this.#state === 'receiving' && loopTurn.isOver) this.#yield();
  }

  ended(): void {
    this.#end();
    this.#body.end();
  }

  failed(error: IoliteError, isStale: boolean): void {
    this.#connection = undefined;
    if (isStale && this.#state === 'asked') this.#ask(headOf(this.#request), true);
    else this.#giveUp(error);
  }

  /** Others have their turn before more of the body is read. */
  #yield(): void {
    if (this.#yields) return;
    this.#yields = true;
    this.#connection?.pause();
    loopTurn.wait(() => {
      this.#yields = false;
      if (!this.#isHeld && this.#state === 'receiving') this.#connection?.resume();
    });
  }

  #tookTooLong(): void {
    const what = this.#state === 'receiving' ? 'broke off its response' : 'sent no response';
    this.#giveUp(new IoliteError('ERR_IOLITE_TIMEOUT', `The machine ${what}: it took too long`));
  }

  #giveUp(error: Error): void {
    if (this.#state === 'over') return;
    const connection = this.#connection;
    this.#end();
    connection?.destroy();
    this.#reject(error);
    this.#body.fail(error);
  }

  #end(): void {
    this.#state = 'over';
    this.#connection = undefined;
    this.#wait.end();
    this.#soon.end();
    this.#context.places.leave(this);
  }
}

/** @throws ERR_IOLITE_ARGUMENT for what could be taken for another request */
function headOf({ path, headers }: OriginRequest): string {
  if (!PATH.test(path)) throw new ArgumentError('Cannot ask machine: the path has characters of no path');
  let head = `GET ${path} HTTP/1.1\r\n`;
  for (let index = 0; index < headers.length; index += 2) {
    const [name = '', value = ''] = [headers[index], headers[index + 1]];
    if (!isField(name, value))
      throw new ArgumentError(`Cannot ask machine: a field ${JSON.stringify(name)} cannot be sent`);
    head += `${name}: ${value}\r\n`;
  }
  return `${head}\r\n`;
}
