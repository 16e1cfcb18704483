import { Aggregate } from '../../aggregate/aggregate.ts';
import { IoliteError } from '../../base/error.ts';
import { ignore } from '../../base/ignore.ts';
import type { HeaderList } from '../message/header-list.ts';
import { type CgiHead, endOfHead, MAX_CGI_HEAD_BYTES, parseCgiHead } from './cgi-head.ts';
import type { FastCgiConnection } from './fastcgi-connection.ts';
import type { FastCgiLimits } from './fastcgi-options.ts';
import {
  CONTENT_BYTES,
  ProtocolStatus,
  RecordType,
  type RequestEnd,
  recordHead,
  requestRecords,
} from './record.ts';
import { RecordParser, type RecordSink } from './record-parser.ts';

/** What a call is made with. */
export interface FastCgiCallParts {
  readonly limits: Pick<FastCgiLimits, 'timeout' | 'bodyTimeout' | 'idleTimeout'>;
  /** Told what the application says besides: a line each. */
  readonly said: (line: string) => void;
  /** The connection is not needed any more. Called once. */
  readonly done: (mayKeep: boolean) => void;
}

/** What an application may say besides one response. */
const MAX_STDERR_BYTES = 1024 ** 2;
/** How much of that is told: the rest is left out. */
const TOLD_CHARACTERS = 16 * 1024;

/**
 * One request on a connection: sends it, and reads what comes as fast as that is wanted. A failure of
 * whatever kind ends the connection, and is what is thrown from then on.
 */
export class FastCgiCall implements RecordSink, AsyncIterableIterator<Aggregate> {
  readonly #connection: FastCgiConnection;
  readonly #parts: FastCgiCallParts;
  readonly #parser = new RecordParser(this);
  #state: 'head' | 'body' | 'done' = 'head';
  /** The head as far as it has come, latin1. */
  #text = '';
  /** Of the body, what came and was not taken. */
  readonly #body = Aggregate.empty();
  #end: RequestEnd | undefined;
  #failure: unknown;
  #timer: NodeJS.Timeout | undefined;
  /** Bytes of the body that are to come, if that is known. */
  #left: number | undefined;
  #isSending = false;
  #stderrBytes = 0;
  #line = '';
  #toldCharacters = 0;
  /** Whether anything has come. */
  hasBegun = false;

  constructor(connection: FastCgiConnection, parts: FastCgiCallParts) {
    this.#connection = connection;
    this.#parts = parts;
  }

  /** Whether all of the response has come. */
  get isComplete(): boolean {
    return this.#end !== undefined;
  }

  /**
   * Sends the request, and its body while the response comes.
   * @param body pieces that are released here
   */
  begin(params: HeaderList, body: AsyncIterable<Aggregate> | undefined): void {
    this.#connection.requests += 1;
    this.#wait(this.#parts.limits.timeout);
    const records = requestRecords(params, this.#parts.limits.idleTimeout > 0);
    if (body === undefined) {
      this.#connection.write(Buffer.concat([records, recordHead(RecordType.STDIN, 0)]));
      return;
    }
    this.#connection.write(records);
    this.#isSending = true;
    this.#send(body).catch(error => this.fail(error));
  }

  /** The head of the response. @throws what it failed with: ERR_IOLITE_PROTOCOL, ERR_IOLITE_TIMEOUT, ... */
  async head(): Promise<CgiHead> {
    for (;;) {
      const looked = this.#text.length;
      await this.#read();
      const end = endOfHead(this.#text, looked);
      if (end !== undefined) return this.#takeHead(end);
      if (this.#text.length > MAX_CGI_HEAD_BYTES) throw this.fail(wrong('a head that does not end'));
      if (this.#end !== undefined) throw this.fail(errorOfEnd(this.#end));
    }
  }

  /** All of the body, where the response is complete: the caller's to release. */
  whole(): Aggregate {
    const body = this.#body.slice();
    this.#finish();
    return body;
  }

  /** Sees to it that the body is as long as was stated. */
  expect(length: number | undefined): void {
    this.#left = length;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @throws what it failed with; ERR_IOLITE_PROTOCOL when the body has another length than was stated */
  async next(): Promise<IteratorResult<Aggregate, undefined>> {
    if (this.#state === 'done') {
      if (this.#failure !== undefined) throw this.#failure;
      return { value: undefined, done: true };
    }
    while (this.#body.length === 0 && this.#end === undefined) {
      this.#wait(this.#parts.limits.bodyTimeout);
      // What is said besides is no progress: the time goes on.
      while (this.#body.length === 0 && this.#end === undefined) await this.#read();
      clearTimeout(this.#timer);
    }
    if (this.#body.length === 0) {
      if ((this.#left ?? 0) > 0) throw this.fail(wrong(`a body that ended ${this.#left} bytes early`));
      this.#finish();
      return { value: undefined, done: true };
    }
    const piece = this.#body.slice();
    this.#body.truncate(0);
    if (this.#left !== undefined) {
      this.#left -= piece.length;
      if (this.#left < 0) {
        piece.release();
        throw this.fail(wrong('a body that is longer than was stated'));
      }
    }
    return { value: piece, done: false };
  }

  /** Nothing of it is wanted any more. */
  async return(): Promise<IteratorResult<Aggregate, undefined>> {
    this.fail(new IoliteError('ERR_IOLITE_CLOSED', 'The request was given up'));
    return { value: undefined, done: true };
  }

  /** Ends it, and the connection, unless it is over. @returns what it failed with first */
  fail(error: unknown): unknown {
    if (this.#state === 'done') return this.#failure ?? error;
    this.#failure = error;
    if (this.#end === undefined) this.#connection.write(recordHead(RecordType.ABORT_REQUEST, 0));
    this.#over(false);
    return error;
  }

  // What comes

  output(part: Aggregate): void {
    using taken = part;
    if (this.#state === 'head') this.#text += taken.toString('latin1');
    if (this.#state === 'head' || this.#state === 'body') this.#body.append(taken);
  }

  error(part: Aggregate): void {
    using taken = part;
    this.#stderrBytes += taken.length;
    if (this.#stderrBytes > MAX_STDERR_BYTES) throw wrong('too much on its standard error');
    if (this.#toldCharacters >= TOLD_CHARACTERS) return;
    const lines = (this.#line + taken.toString('latin1')).split(/\r?\n/);
    this.#line = (lines.pop() ?? '').slice(0, TOLD_CHARACTERS);
    for (const line of lines) this.#tell(line);
  }

  ended(end: RequestEnd): void {
    this.#end = end;
    this.#tell(this.#line);
    this.#line = '';
  }

  #tell(line: string): void {
    const text = line
      .replace(/[^\t\x20-\x7e\x80-\xff]/g, '?')
      .slice(0, TOLD_CHARACTERS - this.#toldCharacters);
    if (text === '') return;
    this.#toldCharacters += text.length;
    this.#parts.said(Buffer.from(text, 'latin1').toString());
  }

  #takeHead(end: number): CgiHead {
    try {
      const head = parseCgiHead(this.#text.slice(0, end));
      this.#body.trimStart(end);
      this.#state = 'body';
      this.#text = '';
      clearTimeout(this.#timer);
      return head;
    } catch (error) {
      throw this.fail(error);
    }
  }

  /** Takes up what comes next. @throws what the request failed with */
  async #read(): Promise<void> {
    let piece: Aggregate | undefined;
    try {
      piece = await this.#connection.read();
      if (this.#state === 'done') throw this.#failure;
      if (piece === undefined) throw new IoliteError('ERR_IOLITE_PEER', 'The FastCGI application is gone');
      this.hasBegun = true;
      this.#parser.push(piece);
    } catch (error) {
      throw this.fail(error);
    } finally {
      piece?.release();
    }
  }

  // What goes

  async #send(body: AsyncIterable<Aggregate>): Promise<void> {
    for await (const piece of body) {
      using taken = piece;
      for (let at = 0; at < taken.length; at += CONTENT_BYTES) {
        if (this.#state === 'done' || this.#end !== undefined) return;
        using part = taken.slice(at, Math.min(at + CONTENT_BYTES, taken.length));
        // That the connection is gone the reader learns.
        await this.#connection.send(recordHead(RecordType.STDIN, part.length), part).catch(ignore);
        if (this.#state === 'head') this.#wait(this.#parts.limits.timeout);
      }
    }
    if (this.#state === 'done' || this.#end !== undefined) return;
    this.#connection.write(recordHead(RecordType.STDIN, 0));
    this.#isSending = false;
  }

  #wait(milliseconds: number): void {
    clearTimeout(this.#timer);
    const message = `The FastCGI application sent nothing for ${milliseconds} ms`;
    this.#timer = setTimeout(
      () => this.fail(new IoliteError('ERR_IOLITE_TIMEOUT', message)),
      milliseconds,
    ).unref();
  }

  #finish(): void {
    if (this.#state === 'done') return;
    this.#over(this.#end !== undefined && this.#parser.isClean && !this.#isSending);
  }

  #over(mayKeep: boolean): void {
    this.#state = 'done';
    clearTimeout(this.#timer);
    this.#body.release();
    this.#parts.done(mayKeep);
  }
}

/** Why there is no response. */
function errorOfEnd({ protocolStatus }: RequestEnd): IoliteError {
  if (protocolStatus === ProtocolStatus.OVERLOADED)
    return new IoliteError('ERR_IOLITE_BUSY', 'The FastCGI application is overloaded', { mayRetry: true });
  if (protocolStatus !== ProtocolStatus.REQUEST_COMPLETE) return wrong(`a refusal (${protocolStatus})`);
  return wrong('no head');
}

function wrong(what: string): IoliteError {
  return new IoliteError('ERR_IOLITE_PROTOCOL', `The FastCGI application sent ${what}`);
}
