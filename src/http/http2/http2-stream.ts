import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { Repeatable } from '../../base/repeatable.ts';
import { isStream, releaseBody } from '../message/body.ts';
import type { Answer, PendingAnswer, Recipient, RequestNotes, ServerRequest } from '../message/exchange.ts';
import type { HeaderList } from '../message/header-list.ts';
import type { BodyHost, IncomingBody } from '../message/incoming-body.ts';
import { wrongHandler } from '../message/promised-answer.ts';
import { statusAnswer } from '../message/status-answer.ts';
import { handlerFailure } from '../message/status-of-error.ts';
import { hintsBlock, interimBlock, type PreparedReply, prepareReply } from './answer-block.ts';
import type { Http2Host } from './http2-host.ts';
import { OutgoingBody, type PieceWaiter } from './outgoing-body.ts';
import type { Http2Head, Priority } from './request-head.ts';
import { FIRST_WINDOW_BYTES } from './wire/frame.ts';

/** The connection of a stream, as the stream sees it. */
export interface StreamHost {
  readonly host: Http2Host;
  readonly remoteAddress: string | undefined;
  /** An answer is there that did not come at once. */
  answeredLate(stream: Http2Stream, answer: Answer): void;
  /** Sends an interim response ahead of the answer. */
  hinted(stream: Http2Stream, block: Buffer): void;
  /** There is more of its body to send. */
  pieceCame(stream: Http2Stream): void;
  /** Its answer cannot be sent to its end. */
  broken(stream: Http2Stream): void;
  bodyWanted(stream: Http2Stream): void;
  bodyTaken(stream: Http2Stream, bytes: number): void;
}

/** How far a request has come: see {@link Http2Stream}. */
type Stage = 'asked' | 'pending' | 'replying' | 'sent' | 'over';

/** Where a stream waits that has something to send. */
export type Waiting = 'nowhere' | 'ready' | 'starved';

/**
 * A request and its answer: what handlers see, and what of it is on its way.
 *
 *     asked    -> replying  the handler says at once what it has to say, and not all of it is sent at once
 *     asked    -> over      all of it is
 *     asked    -> pending   the handler does not say it at once
 *     pending  -> replying  it says it later
 *     replying -> over      all is sent
 *     replying -> sent      all is sent, and the client has not said all
 *     sent     -> over      it has, or goes on with it for too long
 *     any      -> over      the client has reset it, or is gone
 *
 * One object for all, for it is made for every request that is not answered by repetition.
 */
export class Http2Stream implements ServerRequest, Recipient, BodyHost, PieceWaiter {
  readonly id: number;
  readonly head: Http2Head;
  /** Bytes that the client takes of it. */
  window: number;
  priority: Priority;
  waiting: Waiting = 'nowhere';
  /** Of the request, as long as it is not complete or not read. */
  upload: IncomingBody | undefined;
  /** Whether the client has said all of it. */
  isComplete: boolean;
  /** Bytes of the request's body that came. */
  uploaded = 0;
  /** Bytes that may still come; that were read without the client being told; that the window grew by. */
  uploadWindow = FIRST_WINDOW_BYTES;
  uploadTaken = 0;
  uploadExtra = 0;
  /** When it last made progress, by the clock of the lane; and when it began. */
  since: number;
  readonly begun: number;
  readonly startedAt: number;
  /** Of the answer that was given at once. */
  repeatable: Repeatable | undefined = undefined;
  /** What is to be sent first, until it is. */
  reply: PreparedReply | undefined = undefined;
  outgoing: OutgoingBody | undefined = undefined;
  status = 0;
  sentBytes = 0;
  readonly #connection: StreamHost;
  #stage: Stage = 'asked';
  #outcome: Answer | undefined = undefined;
  #pending: PendingAnswer | undefined = undefined;
  #isHinted = false;

  constructor(connection: StreamHost, id: number, head: Http2Head, window: number, startedAt: number) {
    this.#connection = connection;
    this.id = id;
    this.head = head;
    this.window = window;
    this.priority = head.priority;
    this.isComplete = true;
    this.since = connection.host.clock;
    this.begun = this.since;
    this.startedAt = startedAt;
  }

  // The request

  get method(): string {
    return this.head.method;
  }

  get target(): string {
    return this.head.target;
  }

  get secure(): boolean {
    return this.#connection.host.secure;
  }

  get remoteAddress(): string | undefined {
    return this.#connection.remoteAddress;
  }

  get rawHeaders(): readonly string[] {
    return this.head.rawHeaders;
  }

  get notes(): RequestNotes | undefined {
    return this.head.notes;
  }

  get body(): AsyncIterable<Aggregate> | undefined {
    return this.upload;
  }

  header(name: string): string | undefined {
    return this.head.fields.get(name);
  }

  interim(status: number, headers: HeaderList): void {
    if (this.#isAnswered || status === 100) return;
    const block = interimBlock(status, headers);
    if (block !== undefined) this.#connection.hinted(this, block);
  }

  /** @throws ERR_IOLITE_ARGUMENT for a link that cannot be sent */
  earlyHints(links: readonly string[]): void {
    if (links.length === 0 || this.#isHinted || this.#isAnswered) return;
    const block = hintsBlock(links);
    this.#isHinted = true;
    this.#connection.hinted(this, block);
  }

  // For the connection

  get isOver(): boolean {
    return this.#stage === 'over';
  }

  /** Whether all of the answer is sent, and the client has not said all. */
  get isSent(): boolean {
    return this.#stage === 'sent';
  }

  /** Whether its answer is being sent. */
  get isReplying(): boolean {
    return this.#stage === 'replying';
  }

  /** Whether the handler has yet to say something. */
  get isPending(): boolean {
    return this.#stage === 'asked' || this.#stage === 'pending';
  }

  /** Whether the client waits to be told that its body is wanted (RFC 9110, 10.1.1). */
  get expectsContinue(): boolean {
    const { fields } = this.head;
    return !this.isComplete && this.isPending && fields.get('expect')?.toLowerCase() === '100-continue';
  }

  /** Whether something of the answer can be sent but for windows. */
  get hasToSend(): boolean {
    const { outgoing } = this;
    return (
      this.reply !== undefined || (outgoing !== undefined && (outgoing.available > 0 || outgoing.isLast))
    );
  }

  /**
   * Asks the handler. Call it once.
   * @returns what it says at once, its body the caller's; undefined if that is to come
   */
  ask(): Answer | undefined {
    const { refusal } = this.head;
    if (refusal !== undefined) return statusAnswer(refusal);
    try {
      const pending = this.#connection.host.handler.answer(this, this);
      if (this.#outcome === undefined) {
        if (typeof pending?.giveUp !== 'function') throw wrongHandler(pending);
        this.#pending = pending;
      }
    } catch (error) {
      this.failed(error);
    }
    const outcome = this.#outcome;
    this.#outcome = undefined;
    if (outcome === undefined) this.#stage = 'pending';
    return outcome;
  }

  /** An answer as it is sent; one that cannot be sent is a failure of the handler, which 500 stands for. */
  prepare(answer: Answer): PreparedReply {
    const { method } = this.head;
    try {
      return prepareReply(method, answer);
    } catch (error) {
      return prepareReply(method, this.#failure(error));
    }
  }

  /** Has an answer sent, as its turn comes. */
  send(reply: PreparedReply): void {
    const { status, body } = reply;
    this.#stage = 'replying';
    this.#pending = undefined;
    this.status = status;
    this.reply = reply;
    this.since = this.#connection.host.clock;
    if (body === undefined) return;
    this.outgoing = new OutgoingBody();
    if (isStream(body)) this.outgoing.setStream(body);
    else this.outgoing.setWhole(body);
  }

  /** Has something else sent than what the handler would say, which is given up. */
  answerInstead(answer: Answer): void {
    const pending = this.#pending;
    this.answered(answer);
    pending?.giveUp();
  }

  /** All is sent, and the client has not said all: nobody reads the rest. */
  sent(): void {
    this.#stage = 'sent';
    this.since = this.#connection.host.clock;
    this.outgoing?.giveUp();
    this.outgoing = undefined;
    this.upload?.over();
    this.upload = undefined;
  }

  /** All is sent, or nobody wants it: what is left is released, and whoever makes it is told, once. */
  end(): void {
    if (this.#stage === 'over') return;
    const { isPending } = this;
    this.#stage = 'over';
    this.outgoing?.giveUp();
    this.outgoing = undefined;
    this.reply = undefined;
    if (isPending) this.#pending?.giveUp();
    this.#pending = undefined;
    this.upload?.over();
  }

  // For the handler

  answered(answer: Answer, repeatable?: Repeatable): void {
    if (this.#isAnswered) {
      releaseBody(answer.body);
    } else if (this.#stage === 'asked') {
      this.#outcome = answer;
      this.repeatable = repeatable;
    } else {
      this.#outcome = answer;
      this.#connection.answeredLate(this, answer);
    }
  }

  declined(): void {
    this.answered(statusAnswer(404));
  }

  failed(error: unknown): void {
    if (!this.#isAnswered) this.answered(this.#failure(error));
  }

  // For its bodies

  bodyWanted(): void {
    this.#connection.bodyWanted(this);
  }

  bodyTaken(bytes: number): void {
    this.#connection.bodyTaken(this, bytes);
  }

  pieceCame(): void {
    this.#connection.pieceCame(this);
  }

  pieceFailed(): void {
    this.#connection.broken(this);
  }

  get #isAnswered(): boolean {
    return this.#outcome !== undefined || !this.isPending;
  }

  #failure(error: unknown): Answer {
    return handlerFailure(error, this, this.#connection.host.failed);
  }
}
