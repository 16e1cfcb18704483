import type { Aggregate } from '../../aggregate/aggregate.ts';
import { ArgumentError, IoliteError } from '../../base/error.ts';
import { demand } from '../../observe/demand.ts';
import { DurationHistogram } from '../../observe/duration-histogram.ts';
import { observe, type Sample } from '../../observe/sources.ts';
import { tooLong } from '../app/server-side/app-limits.ts';
import { boundedBody, wholeBody } from '../app/server-side/bounded-body.ts';
import type { Answer, Handler, PendingAnswer, Recipient, ServerRequest } from '../message/exchange.ts';
import { answerOf, tellLater } from '../message/promised-answer.ts';
import { statusAnswer } from '../message/status-answer.ts';
import { failureAnswer, statusOf } from '../message/status-of-error.ts';
import { type CgiScript, cgiEnvironment } from './cgi-environment.ts';
import type { CgiHead } from './cgi-head.ts';
import { FastCgiCall } from './fastcgi-call.ts';
import { type FastCgiLimits, type FastCgiOptions, limitsOf } from './fastcgi-options.ts';
import { FastCgiPool, noneFree } from './fastcgi-pool.ts';
import { LocalRequest } from './local-request.ts';
import { ScriptFinder } from './script-finder.ts';
import type { SentFiles } from './sent-files.ts';
import { Turns } from './turns.ts';

/** What a gateway says to whoever runs the server. */
export type FastCgiListener = (text: string, request: ServerRequest) => void;

/** What belongs to a request's body. */
interface RequestBody {
  readonly pieces: AsyncIterable<Aggregate> | undefined;
  /** In bytes; undefined where there is none. */
  readonly length: number | undefined;
  /** All of it, where it was read first: to be released where it is not sent. */
  readonly whole?: Aggregate;
  /** Whether it is sent as it comes: as slowly as its client likes. */
  readonly isLong?: boolean;
}

const MAX_REDIRECTS = 10;
/** A body of no more is read before a connection is taken for it: it waits for no client then. */
const READ_FIRST_BYTES = 512 * 1024;
/** How many of the connections those may have whose bodies are longer. */
const LONG_PART = 1 / 2;
/** What may be done twice: it is the same as once (RFC 9110, 9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
const NO_BODY: RequestBody = { pieces: undefined, length: undefined };

/**
 * Has requests answered by a FastCGI responder, such as PHP-FPM: a script for each, found below a root.
 * Declines what means no script. What it receives it passes on by reference.
 */
export class FastCgiGateway implements Handler {
  readonly #options: FastCgiOptions;
  readonly #limits: FastCgiLimits;
  readonly #finder: ScriptFinder;
  readonly #pool: FastCgiPool;
  /** Of those whose bodies are sent as they come. */
  readonly #longTurns: Turns;
  readonly #said: FastCgiListener;
  readonly #durations = new DurationHistogram();
  #requests = 0;
  #files: SentFiles | undefined;
  #whole: Handler | undefined;

  /**
   * @param options with the root of the scripts
   * @param said told a line of what scripts say besides, and why there was no response
   * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
   */
  constructor(options: FastCgiOptions, said: FastCgiListener = () => {}) {
    const { root } = options;
    this.#limits = limitsOf(options);
    if (root === undefined)
      throw new ArgumentError('Cannot use fastcgi: a root of its scripts is wanted, none was given');
    this.#options = options;
    this.#finder = new ScriptFinder({ ...options, root });
    this.#pool = new FastCgiPool(options.fastcgi, this.#limits);
    const places = Math.max(1, Math.floor(this.#limits.connections * LONG_PART));
    this.#longTurns = new Turns(places, this.#limits, noneFree);
    this.#said = said;
    observe('application', this, FastCgiGateway.#samplesOf);
  }

  static #samplesOf(gateway: FastCgiGateway): readonly Sample[] {
    const { used: active, queued } = gateway.#pool;
    const figures = { active, queued, requests: gateway.#requests, ...gateway.#durations.figures() };
    return [{ labels: { application: gateway.#options.fastcgi }, figures }];
  }

  /** Whether a path is one of a script, whose text no site is to send. */
  get isScript(): (path: string) => boolean {
    return this.#finder.isScript;
  }

  /** Scripts may have these files sent. Without them X-Accel-Redirect and X-Sendfile are a 502. */
  sends(files: SentFiles): void {
    this.#files = files;
  }

  /** Who answers what scripts redirect to inside of the server. Without it that is a 502. */
  redirectsTo(whole: Handler): void {
    this.#whole = whole;
  }

  answer(request: ServerRequest, recipient: Recipient): PendingAnswer {
    return tellLater(recipient, signal => this.#answer(request, signal));
  }

  /** Leaves the responder. Requests that wait are refused: close the server first. */
  close(): void {
    this.#longTurns.refuseAll(new IoliteError('ERR_IOLITE_CLOSED', 'The gateway to FastCGI is closed'));
    this.#pool.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #answer(request: ServerRequest, signal: AbortSignal): Promise<Answer | undefined> {
    const script = await this.#finder.find(request.target);
    if (script === undefined) return undefined;
    signal.throwIfAborted();
    const since = demand.durations ? performance.now() : 0;
    this.#requests += 1;
    try {
      const body = await this.#bodyOf(request);
      return await this.#ask(request, script, body, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (statusOf(error, 'application') !== 413) this.#said((error as Error).message, request);
      return failureAnswer(error, 'application');
    } finally {
      if (since > 0) this.#durations.add(performance.now() - since);
    }
  }

  /**
   * Scripts are told how long a body is: one of unknown length is read first, and so is one that is short.
   * @throws ERR_IOLITE_TOO_LONG
   */
  async #bodyOf(request: ServerRequest): Promise<RequestBody> {
    const { body } = request;
    const { maxBodyBytes } = this.#limits;
    if (body === undefined) return NO_BODY;
    const length = Number(request.header('content-length') ?? Number.NaN);
    if (length > maxBodyBytes) throw tooLong(maxBodyBytes);
    if (length > READ_FIRST_BYTES)
      return { pieces: boundedBody(body, length, UNWATCHED), length, isLong: true };
    const most = length >= 0 ? length : maxBodyBytes;
    const whole = body.whole?.() ?? (await wholeBody(boundedBody(body, most, UNWATCHED), most));
    if (whole.length <= most) return { pieces: piecesOf(whole), length: whole.length, whole };
    whole.release();
    throw tooLong(most);
  }

  async #ask(
    request: ServerRequest,
    script: CgiScript,
    body: RequestBody,
    signal: AbortSignal,
  ): Promise<Answer> {
    const params = cgiEnvironment(request, script, body.length, this.#options.params);
    if (body.isLong === true) await this.#longTurns.take(signal);
    for (let fresh = false; ; fresh = true) {
      const connection = await this.#pool.take(signal, { fresh }).catch(error => {
        body.whole?.release();
        if (body.isLong === true) this.#longTurns.giveBack();
        throw error;
      });
      const isKept = connection.requests > 0;
      const call = new FastCgiCall(connection, {
        limits: this.#limits,
        said: line => this.#said(line, request),
        done: mayKeep => {
          this.#pool.giveBack(connection, mayKeep);
          if (body.isLong === true) this.#longTurns.giveBack();
        },
      });
      const giveUp = (): void => void call.fail(signal.reason);
      signal.addEventListener('abort', giveUp, { once: true });
      try {
        call.begin(params, body.pieces);
        const head = await call.head();
        return await this.#answerOf(request, head, call, signal);
      } catch (error) {
        call.fail(error);
        // A connection that was kept may have been closed as the request was sent.
        const isLost = isKept && !fresh && !call.hasBegun && body.pieces === undefined;
        const mayRepeat = isLost && IDEMPOTENT.has(request.method);
        if (!mayRepeat || signal.aborted || statusOf(error, 'application') !== 502) throw error;
      } finally {
        signal.removeEventListener('abort', giveUp);
      }
    }
  }

  async #answerOf(
    request: ServerRequest,
    head: CgiHead,
    call: FastCgiCall,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { status, headers, contentLength, file, localRedirect } = head;
    if (file !== undefined || localRedirect !== undefined) {
      this.#letGo(call);
      if (localRedirect !== undefined) return this.#redirect(request, localRedirect, signal);
      if (this.#files === undefined) throw noFiles();
      return this.#files.answer(request, file as NonNullable<CgiHead['file']>, headers, signal);
    }
    if (request.method === 'HEAD' || status === 204 || status === 304) {
      this.#letGo(call);
      return { status, headers, body: undefined };
    }
    call.expect(contentLength);
    if (!call.isComplete) return { status, headers, body: call };
    const whole = call.whole();
    if (contentLength === whole.length) return { status, headers, body: whole };
    if (contentLength === undefined)
      return { status, headers: [...headers, 'Content-Length', String(whole.length)], body: whole };
    whole.release();
    throw new IoliteError('ERR_IOLITE_PROTOCOL', 'The FastCGI application sent a body of another length');
  }

  /** The body of a response is not wanted. */
  #letGo(call: FastCgiCall): void {
    if (call.isComplete) call.whole().release();
    else void call.return();
  }

  async #redirect(request: ServerRequest, target: string, signal: AbortSignal): Promise<Answer> {
    if (this.#whole === undefined || (request.redirects ?? 0) >= MAX_REDIRECTS)
      throw new IoliteError('ERR_IOLITE_PROTOCOL', `The FastCGI application redirects to ${target} again`);
    const answer = await answerOf(this.#whole, new LocalRequest(request, target), signal);
    return answer ?? statusAnswer(404);
  }
}

const UNWATCHED = { progress: (): void => {}, failed: (): void => {} };

async function* piecesOf(whole: Aggregate): AsyncGenerator<Aggregate> {
  yield whole;
}

function noFiles(): IoliteError {
  return new IoliteError(
    'ERR_IOLITE_PROTOCOL',
    'The FastCGI application has a file sent, and the site has none',
  );
}
