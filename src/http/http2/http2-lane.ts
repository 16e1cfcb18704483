import type { Pool } from '../../aggregate/pool.ts';
import { MAX_TIMEOUT_MS } from '../../base/deadlines.ts';
import { checkInteger } from '../../base/error.ts';
import type { ByteLink, ByteLinkHost } from '../../network/byte-link.ts';
import { observe, type Sample } from '../../observe/sources.ts';
import { AnswerEvents } from '../events/answer-events.ts';
import type { AnswerListener } from '../message/answer-report.ts';
import type { Handler, ServerRequest } from '../message/exchange.ts';
import { AnswerReports } from './answer-reports.ts';
import { Http2Connection } from './http2-connection.ts';
import type { Http2Host, Http2Limits, Http2Member } from './http2-host.ts';
import { KnownHeads } from './known-heads.ts';
import { FrameOutput } from './wire/frame-output.ts';

/** Times in milliseconds, 0 for no bound. */
export interface Http2LaneOptions {
  /** Whether the connections are encrypted. Default true. */
  readonly secure?: boolean | undefined;
  /** Told of every answer, when it is sent or its client has left: for a log, or metrics. */
  readonly listener?: AnswerListener | undefined;
  /** Told what the handler failed with, which is a bug of it. The client gets 500. */
  readonly failed?: ((error: unknown, request: ServerRequest) => void) | undefined;
  /** Bytes of a request's fields, and 32 for each of them: 431 beyond. Default 16 KiB. */
  readonly maxHeaderSize?: number | undefined;
  /** For what a client says first, and for the fields of a request. Default 30,000. */
  readonly headersTimeout?: number | undefined;
  /** For a request with its body: 408 beyond. Default 300,000. */
  readonly requestTimeout?: number | undefined;
  /** For a connection without a request. Default 120,000. */
  readonly idleTimeout?: number | undefined;
  /** For which a client may let an answer wait without taking a byte of it. Default 60,000. */
  readonly sendTimeout?: number | undefined;
}

const TICK_MS = 1000;

/** The connections of HTTP/2 of a server. */
export class Http2Lane implements Http2Host {
  readonly secure: boolean;
  readonly pool: Pool;
  readonly known = new KnownHeads();
  readonly output = new FrameOutput();
  readonly failed: Http2LaneOptions['failed'];
  readonly maxHeaderSize: number;
  closing = false;
  clock = 0;
  readonly #events: AnswerEvents;
  #reports: AnswerReports | undefined;
  readonly #limits: Http2Limits;
  readonly #connections = new Set<Http2Member>();
  #timer: NodeJS.Timeout | undefined;
  #emptied: (() => void) | undefined;

  /**
   * @param pool where the bodies of requests go; the caller's to close, when the lane is
   * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
   */
  constructor(handler: Handler, pool: Pool, options: Http2LaneOptions = {}) {
    const { maxHeaderSize = 16 * 1024, listener } = options;
    checkInteger(maxHeaderSize, 'maxHeaderSize', 1024, 1024 ** 2);
    this.#events = new AnswerEvents(handler, listener, 'http2');
    this.pool = pool;
    this.secure = options.secure ?? true;
    this.failed = options.failed;
    this.maxHeaderSize = maxHeaderSize;
    this.#limits = {
      head: secondsOf(options.headersTimeout, 'headersTimeout', 30_000),
      request: secondsOf(options.requestTimeout, 'requestTimeout', 300_000),
      idle: secondsOf(options.idleTimeout, 'idleTimeout', 120_000),
      stall: secondsOf(options.sendTimeout, 'sendTimeout', 60_000),
    };
    observe('server', this, figuresOf);
  }

  get handler(): Handler {
    return this.#events.handler;
  }

  get mayRepeat(): boolean {
    return this.#events.mayRepeat;
  }

  get reports(): AnswerReports | undefined {
    const { listener } = this.#events;
    if (this.#reports?.listener !== listener) this.#reports = listener && new AnswerReports(listener);
    return this.#reports;
  }

  /** Connections now. */
  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Begins a connection whose client speaks HTTP/2, before anything of it was read.
   * @param link taken over: closed when the connection is over
   * @returns whom what comes by the link is for
   */
  begin(link: ByteLink): ByteLinkHost {
    const connection = new Http2Connection(this, link);
    this.#connections.add(connection);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
    connection.start();
    return connection;
  }

  /**
   * Tells every client that no more requests are taken, and lets each connection end with the answers under
   * way.
   * @returns when there are none left
   */
  close(): Promise<void> {
    this.closing = true;
    for (const connection of [...this.#connections]) connection.finish();
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise(resolve => {
      const before = this.#emptied;
      this.#emptied = () => {
        before?.();
        resolve();
      };
    });
  }

  /** Ends every connection at once. */
  destroy(): void {
    this.closing = true;
    for (const connection of [...this.#connections]) connection.lost();
  }

  ended(connection: Http2Member): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#emptied?.();
    this.#emptied = undefined;
  }

  #tick(): void {
    this.clock += 1;
    for (const connection of this.#connections) connection.check(this.#limits);
  }
}

/** 0 stands for no limit. */
function secondsOf(value: number | undefined, name: string, byDefault: number): number {
  const milliseconds = value ?? byDefault;
  checkInteger(milliseconds, name, 0, MAX_TIMEOUT_MS);
  return milliseconds > 0 ? Math.ceil(milliseconds / TICK_MS) : Number.POSITIVE_INFINITY;
}

function figuresOf({ connections }: Http2Lane): readonly Sample[] {
  return [{ labels: { lane: 'http2' }, figures: { connections } }];
}
