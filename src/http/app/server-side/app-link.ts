import type { Aggregate } from '../../../aggregate/aggregate.ts';
import { Deadlines } from '../../../base/deadlines.ts';
import { IoliteError } from '../../../base/error.ts';
import type { Channel } from '../../../ipc/channel.ts';
import type { Message } from '../../../ipc/message.ts';
import type { IncomingStream } from '../../../ipc/stream/incoming-stream.ts';
import { protocolError } from '../../../ipc/wire/frame.ts';
import type { Answer, Recipient, ServerRequest, Underway } from '../../message/exchange.ts';
import { BodyKind, DRAIN, encodeRequest } from '../app-protocol.ts';
import { StreamDesk } from '../stream-matcher.ts';
import { AnswerStream } from './answer-stream.ts';
import type { Inquiry, InquiryHost } from './app-call.ts';
import { type AppLimits, tooLate, tooLong } from './app-limits.ts';
import { boundedBody, wholeBody } from './bounded-body.ts';
import { checkedAnswer } from './check-answer.ts';
import { PromisedInquiry } from './promised-inquiry.ts';
import { ToldInquiry } from './told-inquiry.ts';

/**
 * Bodies up to this many bytes go with the head of their request; what is longer, or of unknown length, as a
 * stream.
 */
const WHOLE_BYTES = 64 * 1024;

/** An application process as a server sees it. */
export class AppLink implements InquiryHost {
  readonly #channel: Channel;
  readonly #limits: AppLimits;
  readonly #changed: () => void;
  /** For bodies of answers that come as streams, which may be there before the answer is. */
  readonly #desk: StreamDesk;
  readonly #deadlines: Deadlines;
  #inFlight = 0;
  #draining = false;

  /** @param changed called when a request is over, and when no more may be sent */
  constructor(channel: Channel, limits: AppLimits, changed: () => void) {
    this.#channel = channel;
    this.#limits = limits;
    this.#desk = new StreamDesk(number => channel.requester.isWaiting(number));
    this.#deadlines = new Deadlines(limits.timeout);
    this.#changed = changed;
    void this.#takeStreams();
  }

  /** Requests that are not answered, or whose answer is not sent. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether it takes requests. */
  get open(): boolean {
    return !this.#draining && !this.#channel.closed;
  }

  /**
   * Has a request answered.
   * @throws the signal's reason; ERR_IOLITE_PEER, ERR_IOLITE_CLOSED when the process is gone;
   *   ERR_IOLITE_TIMEOUT; ERR_IOLITE_TOO_LONG when the request's body is too long; ERR_IOLITE_PROTOCOL when
   *   the answer is none; what its body failed with
   */
  async ask(request: ServerRequest, signal: AbortSignal): Promise<Answer> {
    const { maxBodyBytes } = this.#limits;
    const length = Number(request.header('content-length') ?? Number.NaN);
    if (request.body !== undefined && length > maxBodyBytes) throw tooLong(maxBodyBytes);
    const inquiry = new PromisedInquiry(this, request, signal);
    this.#inFlight += 1;
    this.#sendWithBody(inquiry, length).catch(error => inquiry.reject(error));
    return inquiry.answer;
  }

  /**
   * As {@link ask}, for a request without a body: without promises, unless the answer's body is a stream.
   * @param recipient told after this has returned, of a failure too, by the status that stands for it
   */
  askTo(request: ServerRequest, recipient: Recipient): Underway {
    const inquiry = new ToldInquiry(this, request, recipient);
    this.#send(inquiry, BodyKind.NONE);
    this.#inFlight += 1;
    return inquiry;
  }

  /** No more requests: closes the channel when the last is over. */
  drain(): void {
    this.#draining = true;
    this.#changed();
    this.#closeIfDone();
  }

  /** Ends it at once. What is under way fails. */
  destroy(): void {
    this.#channel.destroy();
  }

  // For its inquiries

  answerOf(inquiry: Inquiry, message: Message): Answer | Promise<Answer> {
    const { body } = message;
    try {
      const head = checkedAnswer(message.head);
      const { status, headers, contentLength } = head;
      if (inquiry.request.method === 'HEAD' || status === 204 || status === 304) {
        body?.release();
        return { status, headers, body: undefined };
      }
      if (head.body === BodyKind.STREAM) {
        return this.#takeStream(inquiry).then(stream => ({
          status,
          headers,
          body: new AnswerStream(stream, contentLength, () => this.over(inquiry)),
        }));
      }
      if ((contentLength ?? 0) !== (body?.length ?? 0)) {
        throw protocolError('a body has another length than was stated');
      }
      return { status, headers, body };
    } catch (error) {
      body?.release();
      throw error;
    }
  }

  giveUp({ number }: Inquiry): boolean {
    const isWaiting = this.#channel.requester.giveUp(number);
    if (!isWaiting) this.#desk.close(number);
    return isWaiting;
  }

  over(inquiry: Inquiry): void {
    this.#deadlines.met(inquiry);
    this.#desk.close(inquiry.number);
    this.#channel.requester.letGo(inquiry.number);
    this.#inFlight -= 1;
    this.#changed();
    this.#closeIfDone();
  }

  tooLate(): Error {
    return tooLate(this.#limits.timeout);
  }

  #closeIfDone(): void {
    if (this.#draining && this.#inFlight === 0) void this.#channel.close();
  }

  /** @param length of the body, if there is one and its length is known */
  async #sendWithBody(inquiry: PromisedInquiry, length: number): Promise<void> {
    const { body } = inquiry.request;
    if (body === undefined) {
      this.#send(inquiry, BodyKind.NONE);
    } else if (length <= WHOLE_BYTES) {
      using whole = await wholeBody(body, length);
      inquiry.ended.throwIfAborted();
      this.#send(inquiry, BodyKind.WHOLE, whole);
    } else {
      this.#send(inquiry, BodyKind.STREAM);
      await this.#sendStream(inquiry, body, inquiry.ended);
    }
  }

  #send(inquiry: Inquiry, kind: number, body?: Aggregate): void {
    const head = encodeRequest(inquiry.request, kind);
    const message = body === undefined ? { head } : { head, body };
    inquiry.number = this.#channel.requester.ask(message, inquiry);
    this.#deadlines.set(inquiry);
  }

  /**
   * Sends the body of a request piece by piece, as the application reads it: from the last piece on it has
   * the whole time for its answer. It may answer before it has read all; then the rest is left, and whoever
   * has the connection sees to it.
   */
  async #sendStream(inquiry: Inquiry, body: AsyncIterable<Aggregate>, failed: AbortSignal): Promise<void> {
    const progress = (): void => {
      if (!inquiry.isDue) return;
      this.#deadlines.met(inquiry);
      this.#deadlines.set(inquiry);
    };
    const watch = { progress, failed: (error: unknown): void => inquiry.fail(error) };
    const pieces = boundedBody(body, this.#limits.maxBodyBytes, watch);
    // Not to read a body is the application's right. That the body failed is told by the watch.
    await this.#channel.sendStream(pieces, { head: inquiry.number, signal: failed }).catch(() => {});
  }

  /**
   * The stream that an answer announced: it is there or on its way. Until it comes the request may be closed.
   */
  async #takeStream(inquiry: Inquiry): Promise<IncomingStream> {
    const { number } = inquiry;
    this.#deadlines.met(inquiry);
    this.#channel.requester.hold(number);
    this.#desk.open(number);
    const timer = setTimeout(() => this.#desk.close(number), this.#limits.timeout);
    try {
      return await this.#desk.take(number);
    } finally {
      clearTimeout(timer);
    }
  }

  async #takeStreams(): Promise<void> {
    try {
      for await (const { head, body, stream } of this.#channel) {
        body?.release();
        if (stream !== undefined) this.#desk.arrived(Number(head), stream);
        else if (head === DRAIN) this.drain();
      }
    } catch {
      // The channel's end is what ends the requests.
    }
    this.#desk.end(new IoliteError('ERR_IOLITE_PEER', 'The application is gone'));
    this.#deadlines.end();
    this.#changed();
  }
}
