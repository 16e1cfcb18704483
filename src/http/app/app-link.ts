import { Aggregate } from '../../aggregate/aggregate.ts';
import type { Channel } from '../../ipc/channel.ts';
import type { IncomingStream } from '../../ipc/incoming-stream.ts';
import type { Message } from '../../ipc/message.ts';
import { broken } from '../../ipc/wire.ts';
import { IoliteError } from '../../os/error.ts';
import type { Answer, ServerRequest } from '../exchange.ts';
import { releaseBody } from '../fast-lane/prepared-answer.ts';
import { AnswerStream } from './answer-stream.ts';
import { type AppLimits, tooLate, tooLong } from './app-limits.ts';
import { CheckedHeaders } from './checked-headers.ts';
import { Deadlines } from './deadlines.ts';
import { BodyKind, DRAIN, decodeAnswer, encodeRequest } from './heads.ts';
import { StreamDesk } from './stream-desk.ts';
import { upload } from './upload.ts';

/** Bodies up to this many bytes go with the head of their request; what is longer, or of unknown length, as a stream. */
const WHOLE_BYTES = 64 * 1024;
const MAX_ID = 2 ** 32;

/** An application process as a server sees it. */
export class AppLink {
  readonly #channel: Channel;
  readonly #limits: AppLimits;
  readonly #changed: () => void;
  /** For bodies of answers that come as streams. */
  readonly #desk = new StreamDesk();
  readonly #deadlines: Deadlines;
  readonly #checked = new CheckedHeaders();
  #nextId = 0;
  #inFlight = 0;
  #draining = false;

  /** @param changed called when a request is over, and when no more may be sent */
  constructor(channel: Channel, limits: AppLimits, changed: () => void) {
    this.#channel = channel;
    this.#limits = limits;
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
   * @throws the signal's reason; ERR_IOLITE_PEER, ERR_IOLITE_CLOSED when the process is gone; ERR_IOLITE_TIMEOUT;
   * ERR_IOLITE_TOO_LONG when the request's body is too long; ERR_IOLITE_PROTOCOL when the answer is none; what its body
   * failed with
   */
  async ask(request: ServerRequest, signal: AbortSignal): Promise<Answer> {
    const id = this.#begin();
    let streaming = false;
    try {
      const message = await this.#send(id, request, signal);
      const answer = this.#answerOf(id, request, message);
      if (!(answer instanceof Promise)) return answer;
      const streamed = await this.#untilAborted(id, answer, signal);
      streaming = true;
      return streamed;
    } finally {
      if (!streaming) this.#over(id);
    }
  }

  /**
   * As {@link ask}, for a request without a body: without promises, unless the answer's body is a stream.
   * @param answered, failed one of them is called, once, after this has returned
   * @returns what gives the request up, after which neither is called
   */
  askTo(
    request: ServerRequest,
    answered: (answer: Answer) => void,
    failed: (error: unknown) => void,
  ): () => void {
    const id = this.#begin();
    let isGivenUp = false;
    const fail = (error: unknown): void => {
      this.#deadlines.met(id);
      this.#over(id);
      if (!isGivenUp) failed(error);
    };
    const streams = (answer: Answer): void => {
      if (isGivenUp) releaseBody(answer.body);
      else answered(answer);
    };
    const resolve = (message: Message): void => {
      let answer: Answer | Promise<Answer>;
      try {
        answer = this.#answerOf(id, request, message);
      } catch (error) {
        return fail(error);
      }
      this.#deadlines.met(id);
      if (answer instanceof Promise) {
        answer.then(streams, fail);
        return;
      }
      this.#over(id);
      answered(answer);
    };
    const head = encodeRequest(id, request, BodyKind.NONE);
    const endWait = this.#channel.ask({ head }, { resolve, reject: fail });
    this.#deadlines.set(id, () => {
      if (endWait()) fail(tooLate(this.#limits.timeout));
    });
    return () => {
      isGivenUp = true;
      if (endWait()) fail(undefined);
      else this.#desk.close(id);
    };
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

  #newId(): number {
    do this.#nextId = (this.#nextId + 1) % MAX_ID;
    while (this.#desk.isOpen(this.#nextId));
    return this.#nextId;
  }

  #begin(): number {
    const id = this.#newId();
    this.#inFlight += 1;
    this.#desk.open(id);
    return id;
  }

  #over(id: number): void {
    this.#desk.close(id);
    this.#inFlight -= 1;
    this.#changed();
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (this.#draining && this.#inFlight === 0) void this.#channel.close();
  }

  #send(id: number, request: ServerRequest, signal: AbortSignal): Promise<Message> {
    const { body } = request;
    if (body !== undefined) return this.#sendBody(id, request, body, signal);
    const head = encodeRequest(id, request, BodyKind.NONE);
    return this.#channel.request({ head }, { signal, timeout: this.#limits.timeout });
  }

  async #sendBody(
    id: number,
    request: ServerRequest,
    pieces: AsyncIterable<Aggregate>,
    signal: AbortSignal,
  ): Promise<Message> {
    const { timeout, maxBodyBytes } = this.#limits;
    const length = Number(request.header('content-length') ?? Number.NaN);
    if (length > maxBodyBytes) throw tooLong(maxBodyBytes);
    if (length <= WHOLE_BYTES) {
      using body = await gather(pieces, length);
      const head = encodeRequest(id, request, BodyKind.WHOLE);
      return await this.#channel.request({ head, body }, { signal, timeout });
    }
    const head = encodeRequest(id, request, BodyKind.STREAM);
    return upload(this.#channel, { id, head, pieces }, this.#limits, signal);
  }

  /** The answer in a message; one whose body is a stream, when that is there. */
  #answerOf(id: number, request: ServerRequest, message: Message): Answer | Promise<Answer> {
    const { body } = message;
    try {
      const head = decodeAnswer(message.head);
      const { headers, contentLength } = this.#checked.check(head.headers);
      const { status } = head;
      if (request.method === 'HEAD' || status === 204 || status === 304) {
        body?.release();
        return { status, headers, body: undefined };
      }
      if (head.body === BodyKind.STREAM) {
        return this.#takeStream(id).then(stream => ({
          status,
          headers,
          body: new AnswerStream(stream, contentLength, () => this.#over(id)),
        }));
      }
      if ((contentLength ?? 0) !== (body?.length ?? 0)) {
        throw broken('a body has another length than was stated');
      }
      return { status, headers, body };
    } catch (error) {
      body?.release();
      throw error;
    }
  }

  /** The stream that an answer announced: it is on its way. Until it comes the request may be closed. */
  async #takeStream(id: number): Promise<IncomingStream> {
    const timer = setTimeout(() => this.#desk.close(id), this.#limits.timeout);
    try {
      return await this.#desk.take(id);
    } finally {
      clearTimeout(timer);
    }
  }

  async #untilAborted(id: number, answer: Promise<Answer>, signal: AbortSignal): Promise<Answer> {
    const close = (): void => this.#desk.close(id);
    signal.addEventListener('abort', close, { once: true });
    if (signal.aborted) close();
    try {
      return await answer;
    } finally {
      signal.removeEventListener('abort', close);
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

/** A short body, all of it. */
async function gather(pieces: AsyncIterable<Aggregate>, length: number): Promise<Aggregate> {
  const whole = Aggregate.empty();
  try {
    for await (const piece of pieces) {
      using taken = piece;
      whole.append(taken);
      if (whole.length > length) throw tooLong(length);
    }
    return whole;
  } catch (error) {
    whole.release();
    throw error;
  }
}
