import type { Aggregate } from '../../../aggregate/aggregate.ts';
import { Deadlines } from '../../../base/deadlines.ts';
import { IoliteError } from '../../../base/error.ts';
import type { Json } from '../../../base/json.ts';
import type { Channel } from '../../../ipc/channel.ts';
import type { Message } from '../../../ipc/message.ts';
import type { IncomingStream } from '../../../ipc/stream/incoming-stream.ts';
import { protocolError } from '../../../ipc/wire/frame.ts';
import type { DurationHistogram } from '../../../observe/duration-histogram.ts';
import type { RequestBody } from '../../message/body.ts';
import type { Answer, PendingAnswer, Recipient, ServerRequest } from '../../message/exchange.ts';
import { failureAnswer } from '../../message/status-of-error.ts';
import { BodyKind, DRAIN, decodeInterim, encodeRequest } from '../app-protocol.ts';
import { StreamMatcher } from '../stream-matcher.ts';
import { AnswerStream } from './answer-stream.ts';
import { AppCall, type AppCallHost } from './app-call.ts';
import { type AppLimits, appTimeout, tooLong } from './app-limits.ts';
import { boundedBody, wholeBody } from './bounded-body.ts';
import { checkAnswer } from './check-answer.ts';

/**
 * Bodies up to this many bytes go with the head of their request; what is longer, or of unknown length, as a
 * stream.
 */
const WHOLE_BYTES = 64 * 1024;

/** An application process as a server sees it. */
export class AppLink implements AppCallHost {
  readonly #channel: Channel;
  readonly #limits: AppLimits;
  readonly #changed: () => void;
  /** For bodies of answers that come as streams, which may be there before the answer is. */
  readonly #streams: StreamMatcher;
  readonly #deadlines: Deadlines;
  readonly #durations: DurationHistogram;
  #inFlight = 0;
  #draining = false;

  /**
   * @param changed called when a request is over, and when no more may be sent
   * @param durations told how long requests took, where somebody may ask
   */
  constructor(channel: Channel, limits: AppLimits, changed: () => void, durations: DurationHistogram) {
    this.#durations = durations;
    this.#channel = channel;
    this.#limits = limits;
    this.#streams = new StreamMatcher(number => channel.requester.isWaiting(number));
    this.#deadlines = new Deadlines(limits.timeout);
    this.#changed = changed;
    // An application is asked, and asks nothing.
    channel.onRequest(({ body }) => {
      body?.release();
      throw new IoliteError('ERR_IOLITE_UNSUPPORTED', 'A server answers no requests of an application');
    });
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
   * Has a request answered: without promises, unless it or its answer has a body that is a stream. A failure
   * is told as the status that stands for it: of a process that is gone, that took too long, or whose answer
   * is none; of a body that is too long, or broke off.
   */
  ask(request: ServerRequest, recipient: Recipient): PendingAnswer | undefined {
    const call = new AppCall(this, request, recipient);
    const { body } = request;
    if (body === undefined) return this.#askBare(call, recipient);
    const { maxBodyBytes } = this.#limits;
    const length = Number(request.header('content-length') ?? Number.NaN);
    if (length > maxBodyBytes) {
      recipient.answered(failureAnswer(tooLong(maxBodyBytes), 'application'));
      return undefined;
    }
    if (body.whole !== undefined) {
      const asked = this.#askWhole(call, body, recipient);
      if (asked !== 'not there') return asked;
    }
    this.#inFlight += 1;
    this.#sendWithBody(call, body, length).catch(error => call.reject(error));
    return call;
  }

  #askBare(call: AppCall, recipient: Recipient): PendingAnswer | undefined {
    try {
      this.#send(call, BodyKind.NONE);
    } catch (error) {
      recipient.answered(failureAnswer(error, 'application'));
      return undefined;
    }
    this.#inFlight += 1;
    return call;
  }

  /** A body that is there goes with its request: one message, and no promise. */
  #askWhole(call: AppCall, body: RequestBody, recipient: Recipient): PendingAnswer | undefined | 'not there' {
    try {
      using whole = body.whole?.();
      if (whole === undefined) return 'not there';
      if (whole.length > this.#limits.maxBodyBytes) throw tooLong(this.#limits.maxBodyBytes);
      this.#send(call, BodyKind.WHOLE, whole);
    } catch (error) {
      recipient.answered(failureAnswer(error, 'application'));
      return undefined;
    }
    this.#inFlight += 1;
    return call;
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

  // For its calls

  answerOf(call: AppCall, message: Message): Answer | Promise<Answer> {
    const { body } = message;
    try {
      const head = checkAnswer(message.head);
      const { status, headers, contentLength } = head;
      if (call.request.method === 'HEAD' || status === 204 || status === 304) {
        body?.release();
        return { status, headers, body: undefined };
      }
      if (head.body === BodyKind.STREAM) {
        return this.#takeStream(call).then(stream => ({
          status,
          headers,
          body: new AnswerStream(stream, contentLength, () => this.over(call)),
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

  giveUp({ number }: AppCall): boolean {
    const isWaiting = this.#channel.requester.giveUp(number);
    if (!isWaiting) this.#streams.close(number);
    return isWaiting;
  }

  over(call: AppCall): void {
    if (call.since > 0) this.#durations.add(performance.now() - call.since);
    this.#deadlines.met(call);
    this.#streams.close(call.number);
    this.#channel.requester.letGo(call.number);
    this.#inFlight -= 1;
    this.#changed();
    this.#closeIfDone();
  }

  timeoutError(): Error {
    return appTimeout(this.#limits.timeout);
  }

  #closeIfDone(): void {
    if (this.#draining && this.#inFlight === 0) void this.#channel.close();
  }

  /** @param length of the body; NaN if it is not known */
  async #sendWithBody(call: AppCall, body: AsyncIterable<Aggregate>, length: number): Promise<void> {
    // Before the first wait: it may be given up then.
    const { ended } = call;
    if (length <= WHOLE_BYTES) {
      using whole = await wholeBody(body, length);
      ended.throwIfAborted();
      this.#send(call, BodyKind.WHOLE, whole);
    } else {
      this.#send(call, BodyKind.STREAM);
      await this.#sendStream(call, body, ended);
    }
  }

  #send(call: AppCall, kind: number, body?: Aggregate): void {
    const head = encodeRequest(call.request, kind);
    const message = body === undefined ? { head } : { head, body };
    call.number = this.#channel.requester.ask(message, call);
    this.#deadlines.set(call);
  }

  /**
   * Sends the body of a request piece by piece, as the application reads it: from the last piece on it has
   * the whole time for its answer. It may answer before it has read all; then the rest is left, and whoever
   * has the connection sees to it.
   */
  async #sendStream(call: AppCall, body: AsyncIterable<Aggregate>, failed: AbortSignal): Promise<void> {
    const progress = (): void => {
      if (!call.isDue) return;
      this.#deadlines.met(call);
      this.#deadlines.set(call);
    };
    const watch = { progress, failed: (error: unknown): void => call.fail(error) };
    const pieces = boundedBody(body, this.#limits.maxBodyBytes, watch);
    // Not to read a body is the application's right. That the body failed is told by the watch.
    await this.#channel.sendStream(pieces, { head: call.number, signal: failed }).catch(() => {});
  }

  /**
   * The stream that an answer announced: it is there or on its way. Until it comes the request may be closed.
   */
  async #takeStream(call: AppCall): Promise<IncomingStream> {
    const { number } = call;
    this.#deadlines.met(call);
    this.#channel.requester.hold(number);
    this.#streams.open(number);
    const timer = setTimeout(() => this.#streams.close(number), this.#limits.timeout);
    try {
      return await this.#streams.take(number);
    } finally {
      clearTimeout(timer);
    }
  }

  #takeInterim(head: Json | undefined): void {
    const interim = decodeInterim(head);
    if (interim === undefined) return;
    const call = this.#channel.requester.waiting(interim.number);
    if (call instanceof AppCall) call.interim(interim.status, interim.headers);
  }

  async #takeStreams(): Promise<void> {
    try {
      for await (const { head, body, stream } of this.#channel) {
        body?.release();
        if (stream !== undefined) this.#streams.arrived(Number(head), stream);
        else if (head === DRAIN) this.drain();
        else this.#takeInterim(head);
      }
    } catch {
      // The channel's end is what ends the requests.
    }
    this.#streams.end(new IoliteError('ERR_IOLITE_PEER', 'The application is gone'));
    this.#deadlines.end();
    this.#changed();
  }
}
