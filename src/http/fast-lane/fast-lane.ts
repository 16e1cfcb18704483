import { Server } from 'node:http';
import type { Socket } from 'node:net';
import { ArgumentError, checkInteger, describe } from '../../base/error.ts';
import { kernelSocket } from '../../network/kernel-socket.ts';
import { type AcceptedConnection, interceptConnections, startReading } from '../../os/node-socket.ts';
import type { Handler } from '../message/exchange.ts';
import { answerAtOnce, type Begun } from './answer-before-socket.ts';
import type { Answered } from './delivery-report.ts';
import { LaneConnection } from './lane-connection.ts';
import type { Lane, LaneLimits } from './lane-host.ts';
import { Outbox } from './outbox.ts';
import { RequestMemo } from './request-memo.ts';

export interface FastLaneOptions {
  /** Milliseconds that a client may let an answer wait without taking a byte of it. Default 60,000. */
  readonly sendTimeout?: number;
  /** Told of every answer, when it is sent or its client has left: for a log. */
  readonly answered?: Answered | undefined;
}

const DEFAULT_SEND_TIMEOUT = 60_000;

/**
 * Puts the fast lane before a server of node:http. It reads the requests that docs/fast-lane.md admits and
 * answers them by the handler; a connection that brings any other, or one that the handler leaves to others,
 * is handed to the server, which sees it from that request on as if it had just come. So what the server does
 * is what is done with all that is not certain.
 *
 * The server listens, counts (`maxConnections`), and its `headersTimeout` and `keepAliveTimeout` hold here
 * too, to the second.
 * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
 */
export function attachFastLane(server: Server, handler: Handler, options: FastLaneOptions = {}): FastLane {
  if (!(server instanceof Server)) {
    throw new ArgumentError(
      `Cannot attach the fast lane: a server of node:http is wanted, ${describe(server)} was given`,
    );
  }
  if (typeof handler?.answer !== 'function') {
    throw new ArgumentError(
      `Cannot attach the fast lane: a handler is wanted, ${describe(handler)} was given`,
    );
  }
  return new FastLane(server, handler, options);
}

/** The connections of a server that are in the fast lane. */
export class FastLane implements Lane {
  readonly handler: Handler;
  readonly memo = new RequestMemo();
  readonly outbox = new Outbox();
  readonly answered: Answered | undefined;
  closing = false;
  clock = 0;
  readonly #server: Server;
  /** What the server does with a connection itself. */
  readonly #others: readonly ((socket: Socket) => void)[];
  readonly #sendTimeout: number;
  readonly #connections = new Set<LaneConnection>();
  #timer: NodeJS.Timeout | undefined;
  /** The answer of the connection that is about to get a socket, if it was begun before. */
  #begun: Begun | undefined;

  /** Use {@link attachFastLane}. */
  constructor(server: Server, handler: Handler, options: FastLaneOptions) {
    const { sendTimeout = DEFAULT_SEND_TIMEOUT, answered } = options;
    checkInteger(sendTimeout, 'sendTimeout', 1, 2 ** 31 - 1);
    this.handler = handler;
    this.answered = answered;
    this.#server = server;
    this.#sendTimeout = sendTimeout;
    this.#others = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    // As the option of net.createServer: the first bytes are for us to read.
    (server as { pauseOnConnect?: boolean }).pauseOnConnect = true;
    server.on('connection', socket => this.#accept(socket));
    interceptConnections(server, connection => this.#answerAtOnce(connection));
  }

  /** Connections in the lane now; those handed to the server are not counted. */
  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Lets every connection end with its next answer. Those that ask for nothing more are for {@link close}.
   */
  retire(): void {
    this.closing = true;
  }

  /**
   * Lets every connection end with the answer under way, and those without one at once. Connections that come
   * later get one answer. For the server itself there is server.close(), which waits for all of them.
   */
  close(): void {
    this.retire();
    for (const connection of [...this.#connections]) connection.finish();
  }

  handOver(socket: Socket): void {
    for (const listener of this.#others) listener.call(this.#server, socket);
  }

  ended(connection: LaneConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Before there is a socket. @returns whether the connection is over */
  #answerAtOnce(connection: AcceptedConnection): boolean {
    const done = answerAtOnce(this, connection);
    if (typeof done === 'boolean') return done;
    this.#begun = done;
    return false;
  }

  #accept(socket: Socket): void {
    const fd = kernelSocket(socket);
    const begun = this.#begun;
    this.#begun = undefined;
    if (fd === undefined) {
      this.handOver(socket);
      startReading(socket);
      return;
    }
    const connection = new LaneConnection(this, socket);
    if (begun?.fd === fd) connection.finishAnswer(begun);
    else if (!connection.start()) return;
    this.#connections.add(connection);
    this.#timer ??= setInterval(() => this.#tick(), 1000).unref();
  }

  #tick(): void {
    this.clock += 1;
    const limits: LaneLimits = {
      head: secondsOf(this.#server.headersTimeout),
      idle: secondsOf(this.#server.keepAliveTimeout),
      stall: secondsOf(this.#sendTimeout),
    };
    for (const connection of this.#connections) connection.check(limits);
  }
}

/** 0 stands for no limit in node:http. */
function secondsOf(milliseconds: number): number {
  return milliseconds > 0 ? Math.ceil(milliseconds / 1000) : Number.POSITIVE_INFINITY;
}
