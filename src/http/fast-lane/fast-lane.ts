import { Server } from 'node:http';
import type { Socket } from 'node:net';
import { MAX_TIMEOUT_MS } from '../../base/deadlines.ts';
import { ArgumentError, checkInteger, describe } from '../../base/error.ts';
import { kernelSocket } from '../../network/kernel-socket.ts';
import { type AcceptedConnection, interceptConnections, startReading } from '../../os/node-socket.ts';
import type { AnswerListener } from '../message/answer-report.ts';
import type { Handler, ServerRequest } from '../message/exchange.ts';
import { answerBeforeSocket, type Opening } from './answer-before-socket.ts';
import { LaneConnection } from './lane-connection.ts';
import type { Lane, LaneLimits, LaneMember } from './lane-host.ts';
import { Outbox } from './outbox.ts';
import { RequestMemo } from './request-memo.ts';

export interface FastLaneOptions {
  /** Milliseconds that a client may let an answer wait without taking a byte of it. Default 60,000. */
  readonly sendTimeout?: number;
  /** Told of every answer, when it is sent or its client has left: for a log, or metrics. */
  readonly listener?: AnswerListener | undefined;
  /** Told what the handler failed with, which is a bug of it. The client gets 500. */
  readonly failed?: ((error: unknown, request: ServerRequest) => void) | undefined;
}

const SEND_TIMEOUT_MS = 60_000;
const TICK_MS = 1000;

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
  readonly listener: AnswerListener | undefined;
  readonly failed: FastLaneOptions['failed'];
  closing = false;
  clock = 0;
  readonly #server: Server;
  /** What the server does with a connection itself. */
  readonly #others: readonly ((socket: Socket) => void)[];
  readonly #sendTimeout: number;
  readonly #connections = new Set<LaneMember>();
  #timer: NodeJS.Timeout | undefined;
  /** What was done for the connection that is about to get a socket. */
  #opening: Opening | undefined;

  /** Use {@link attachFastLane}. */
  constructor(server: Server, handler: Handler, options: FastLaneOptions) {
    const { sendTimeout = SEND_TIMEOUT_MS, listener, failed } = options;
    checkInteger(sendTimeout, 'sendTimeout', 1, MAX_TIMEOUT_MS);
    this.handler = handler;
    this.listener = listener;
    this.failed = failed;
    this.#server = server;
    this.#sendTimeout = sendTimeout;
    this.#others = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    // As the option of net.createServer: the first bytes are for us to read.
    (server as { pauseOnConnect?: boolean }).pauseOnConnect = true;
    server.on('connection', socket => this.#accept(socket));
    interceptConnections(server, connection => this.#answerBeforeSocket(connection));
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

  ended(connection: LaneMember): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** @returns whether the connection is over */
  #answerBeforeSocket(accepted: AcceptedConnection): boolean {
    const opening = answerBeforeSocket(this, accepted);
    if (typeof opening === 'boolean') return opening;
    this.#opening = opening;
    return false;
  }

  #accept(socket: Socket): void {
    const fd = kernelSocket(socket);
    const opening = this.#opening;
    this.#opening = undefined;
    const isOpened = opening !== undefined && opening.fd === fd;
    if (!isOpened && opening !== undefined) discard(opening);
    if (fd === undefined) {
      this.handOver(socket);
      startReading(socket);
      return;
    }
    const connection = new LaneConnection(this, socket);
    if (!connection.start(isOpened ? opening : undefined)) return;
    this.#connections.add(connection);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
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

/** Nobody goes on with it. */
function discard({ exchange, outcome }: Opening): void {
  if (outcome !== undefined) exchange.postpone(outcome);
  exchange.dispose();
}

/** 0 stands for no limit in node:http. */
function secondsOf(milliseconds: number): number {
  return milliseconds > 0 ? Math.ceil(milliseconds / TICK_MS) : Number.POSITIVE_INFINITY;
}
