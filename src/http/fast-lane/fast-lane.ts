import { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Pool } from '../../aggregate/pool.ts';
import { MAX_TIMEOUT_MS } from '../../base/deadlines.ts';
import { ArgumentError, checkInteger, describe } from '../../base/error.ts';
import { invariant } from '../../base/invariant.ts';
import { sharedMemoryIsSupported } from '../../memory/support.ts';
import type { ByteLinkHost } from '../../network/byte-link.ts';
import { kernelSocket } from '../../network/kernel-socket.ts';
import { TlsRoom } from '../../network/tls/cipher-ring.ts';
import type { SecureContext } from '../../network/tls/secure-context.ts';
import type { TlsLink } from '../../network/tls/tls-link.ts';
import { observe, type Sample } from '../../observe/sources.ts';
import { BareConnection, interceptConnections, startReading } from '../../os/node-socket.ts';
import { AnswerEvents } from '../events/answer-events.ts';
import type { AnswerListener } from '../message/answer-report.ts';
import type { Handler, ServerRequest } from '../message/exchange.ts';
import { LaneConnection } from './lane-connection.ts';
import type { Lane, LaneLimits, LaneMember } from './lane-host.ts';
import { Outbox } from './outbox.ts';
import { RepeatedAnswers } from './repeated-answers.ts';
import { RequestMemo } from './request-memo.ts';
import { type ArrivalHost, SecureArrival } from './secure-arrival.ts';
import type { SecureLaneLink } from './secure-lane-link.ts';
import { UploadRooms } from './upload/upload-rooms.ts';

/** What a fast lane needs besides its server and handler. */
export interface FastLaneOptions {
  /** Milliseconds that a client may let an answer wait without taking a byte of it. Default 60,000. */
  readonly sendTimeout?: number;
  /** Told of every answer, when it is sent or its client has left: for a log, or metrics. */
  readonly listener?: AnswerListener | undefined;
  /** Told what the handler failed with, which is a bug of it. The client gets 500. */
  readonly failed?: ((error: unknown, request: ServerRequest) => void) | undefined;
  /**
   * Where the bodies of requests are put, to go from there to whom the handler gives them. Default: requests
   * by other methods than GET and HEAD are the server's.
   */
  readonly pool?: Pool | undefined;
  /**
   * Speaks TLS on all connections.
   * @internal
   */
  readonly tls?: LaneTls | undefined;
}

const SEND_TIMEOUT_MS = 60_000;
const TICK_MS = 1000;
/** For a handshake under way, and the request behind it, when the lane is closed. */
const LAST_HEAD_SECONDS = 5;
/** For clients to close connections that nothing is answered on, when the lane is closed: many never do. */
const LAST_IDLE_SECONDS = 1;

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

/** What speaks another protocol above TLS than HTTP/1.1. */
interface ProtocolHost {
  /** A client has chosen the protocol. @returns who has its connection from now on */
  accept(link: TlsLink): ByteLinkHost;
}

/** How a lane is reached over TLS. */
export interface LaneTls {
  /** What the server says of itself, to connections that come from now on. */
  readonly context: SecureContext;
  /** By their names (ALPN), the protocols besides `http/1.1`. */
  readonly protocols: ReadonlyMap<string, ProtocolHost>;
}

/** The connections of a server that are in the fast lane. */
export class FastLane implements Lane, ArrivalHost {
  /** @internal */
  readonly memo = new RequestMemo();
  /** @internal */
  readonly repeated: RepeatedAnswers | undefined;
  /** @internal */
  readonly outbox = new Outbox();
  /** @internal */
  readonly uploads: UploadRooms | undefined;
  /** @internal */
  readonly failed: FastLaneOptions['failed'];
  /** @internal */
  closing = false;
  /** @internal */
  clock = 0;
  readonly #events: AnswerEvents;
  readonly #server: Server;
  /** What the server does with a connection itself. */
  readonly #others: readonly ((socket: Socket) => void)[];
  readonly #sendTimeout: number;
  readonly #tls: LaneTls | undefined;
  #room: TlsRoom | undefined;
  readonly #connections = new Set<LaneMember>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** Whether a socket is being made for a connection of the lane. */
  #isMaking = false;
  #made: Socket | undefined;

  /**
   * Use {@link attachFastLane}.
   * @internal
   */
  constructor(server: Server, handler: Handler, options: FastLaneOptions) {
    const { sendTimeout = SEND_TIMEOUT_MS, listener, failed, pool, tls } = options;
    checkInteger(sendTimeout, 'sendTimeout', 1, MAX_TIMEOUT_MS);
    this.#events = new AnswerEvents(handler, listener, 'lane');
    if (handler.letsRepeat === true) this.repeated = new RepeatedAnswers(this.memo.buffer);
    if (pool !== undefined) this.uploads = new UploadRooms(pool);
    this.failed = failed;
    this.#tls = tls;
    this.#server = server;
    this.#sendTimeout = sendTimeout;
    this.#others = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    // As the option of net.createServer: the first bytes are for us to read.
    (server as { pauseOnConnect?: boolean }).pauseOnConnect = true;
    server.on('connection', socket => this.#accept(socket));
    // Where libc cannot be called all is node:http's.
    if (sharedMemoryIsSupported()) interceptConnections(server, connection => this.#begin(connection));
    observe('server', this, figuresOf);
  }

  /** Who answers what the lane reads. */
  get handler(): Handler {
    return this.#events.handler;
  }

  get listener(): AnswerListener | undefined {
    return this.#events.listener;
  }

  /** Whether answers may be repeated from memory now: not while somebody wants to see each request. */
  get mayRepeat(): boolean {
    return this.#events.mayRepeat;
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
   * Lets every connection end with the answer under way, and those without one at once; but who is about to
   * shake hands, or has just done so, has a few seconds for a request. Connections that come later get one
   * answer. For the server itself there is server.close(), which waits for all of them.
   */
  close(): void {
    this.retire();
    this.#isClosed = true;
    for (const connection of [...this.#connections]) connection.finish();
  }

  /** Ends every connection at once, whatever is under way, as a server's closeAllConnections() does. */
  closeAllConnections(): void {
    for (const connection of [...this.#connections]) connection.destroy();
  }

  /**
   * What connections over TLS read into and encrypt into, and from whom.
   * @internal
   */
  get room(): TlsRoom {
    this.#room ??= new TlsRoom(this.memo.buffer);
    return this.#room;
  }

  /**
   * @throws ERR_IOLITE_INVARIANT where there is no TLS
   * @internal
   */
  get context(): SecureContext {
    invariant(this.#tls !== undefined, 'only a lane with TLS has a secure context');
    return this.#tls.context;
  }

  /** @internal */
  arrived(link: TlsLink, arrival: SecureArrival): ByteLinkHost {
    this.ended(arrival);
    const other = this.#tls?.protocols.get(link.protocol ?? '');
    if (other !== undefined) return other.accept(link);
    const connection = new LaneConnection(this, link);
    connection.start();
    this.#add(connection);
    return connection.link as SecureLaneLink;
  }

  /** @internal */
  handOver(socket: Duplex): void {
    for (const listener of this.#others) listener.call(this.#server, socket as Socket);
  }

  /** @internal */
  ended(connection: LaneMember): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /**
   * The server tells its listeners of it, of whom we are one.
   * @internal
   */
  socketBy(make: () => boolean): Socket | undefined {
    this.#isMaking = true;
    try {
      make();
      return this.#made;
    } finally {
      this.#isMaking = false;
      this.#made = undefined;
    }
  }

  /** @returns whether it was taken: always */
  #begin(bare: BareConnection, socket?: Socket): boolean {
    const Kind = this.#tls === undefined ? LaneConnection : SecureArrival;
    const connection = new Kind(this, bare, socket);
    if (connection.start()) this.#add(connection);
    return true;
  }

  #add(connection: LaneMember): void {
    this.#connections.add(connection);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
  }

  /** A socket that Node has made, or somebody else: the lane reads beside it, where it can. */
  #accept(socket: Socket): void {
    if (this.#isMaking) {
      this.#isMaking = false;
      this.#made = socket;
      return;
    }
    const bare = kernelSocket(socket) === undefined ? undefined : BareConnection.beside(socket);
    if (bare !== undefined) {
      this.#begin(bare, socket);
      return;
    }
    if (this.#tls !== undefined) {
      // No connection of the kernel's, or no descriptor left: nothing goes on unencrypted.
      socket.destroy();
      return;
    }
    this.handOver(socket);
    startReading(socket);
  }

  #tick(): void {
    this.clock += 1;
    const head = secondsOf(this.#server.headersTimeout);
    const idle = secondsOf(this.#server.keepAliveTimeout);
    const limits: LaneLimits = {
      head: this.#isClosed ? Math.min(head, LAST_HEAD_SECONDS) : head,
      idle: this.#isClosed ? Math.min(idle, LAST_IDLE_SECONDS) : idle,
      stall: secondsOf(this.#sendTimeout),
      silence: secondsOf(this.#server.timeout),
      body: secondsOf(this.#server.requestTimeout),
    };
    for (const connection of this.#connections) connection.check(limits);
  }
}

/** 0 stands for no limit in node:http. */
function secondsOf(milliseconds: number): number {
  return milliseconds > 0 ? Math.ceil(milliseconds / TICK_MS) : Number.POSITIVE_INFINITY;
}

function figuresOf({ connections }: FastLane): readonly Sample[] {
  return [{ labels: { lane: 'lane' }, figures: { connections } }];
}
