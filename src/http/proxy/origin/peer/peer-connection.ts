import { connect, type Socket } from 'node:net';
import type { Aggregate } from '../../../../aggregate/aggregate.ts';
import type { ReceiveRoom } from '../../../../aggregate/receive-room.ts';
import { IoliteError } from '../../../../base/error.ts';
import { ChunkedFraming } from '../../../message/framing/body-framing.ts';
import { peerMemory } from './peer-memory.ts';
import { type ParsedHead, parseResponseHead } from './response-head.ts';

/** Who has asked something on a connection. */
export interface ResponseTaker {
  /** The head has come. */
  headCame(head: ParsedHead): void;
  /** More of the body has come; the piece is released after the call. */
  bodyCame(piece: Aggregate): void;
  /** All has come. */
  ended(): void;
  /**
   * No more comes.
   * @param isStale whether the connection was kept from before, and nothing of an answer has come on it
   */
  failed(error: IoliteError, isStale: boolean): void;
}

/** Who has a connection. */
export interface ConnectionHost {
  /** Another request may be sent on it. */
  free(connection: PeerConnection): void;
  /** It is over. */
  gone(connection: PeerConnection): void;
}

/** Where a machine answers. */
export interface PeerAddress {
  readonly host: string;
  readonly port: number;
  /** Milliseconds. */
  readonly connectTimeout: number;
}

/** From so many bytes on what is still to come of a body is read into a room of its own, with no copy. */
const LEAST_ROOM_BYTES = 32 * 1024;

/**
 * A connection to another machine, on which one request is under way at a time (RFC 9112). What comes is read
 * into what all connections share, and copied from there; what a long body still lacks by then is read to
 * where it stays.
 */
export class PeerConnection {
  readonly #host: ConnectionHost;
  readonly #socket: Socket;
  #timer: NodeJS.Timeout | undefined;
  #taker: ResponseTaker | undefined;
  /** The beginning of a head that is not all there. */
  #early: Buffer | undefined;
  /** What of the body is to come: its bytes, or where its chunks are. */
  #left = 0;
  #chunks: ChunkedFraming | undefined;
  #room: ReceiveRoom | undefined;
  /** Whether the room is what is read into. */
  #isAimed = false;
  /** Whether a request was answered on it. */
  #isUsed = false;
  #endsSoon = false;
  #isPaused = false;
  #isOver = false;

  constructor({ host, port, connectTimeout }: PeerAddress, owner: ConnectionHost) {
    this.#host = owner;
    const onread = { buffer: () => this.#aim(), callback: (count: number) => this.#arrived(count) };
    this.#socket = connect({ host, port, noDelay: true, onread });
    if (connectTimeout > 0) this.#timer = setTimeout(() => this.#tookTooLong(), connectTimeout);
    this.#socket.once('connect', () => clearTimeout(this.#timer));
    this.#socket.once('end', () => this.#broke('it has closed the connection'));
    this.#socket.on('error', error => this.#broke(error.message, error));
    // Until then it may be read into the room.
    this.#socket.once('close', () => this.#leaveRoom());
  }

  /** Sends a request. Once {@link ConnectionHost.free} was called. @param head of the request, as latin1 */
  ask(head: string, taker: ResponseTaker): void {
    this.#taker = taker;
    if (this.#isUsed) this.#socket.ref();
    this.#socket.write(head, 'latin1');
  }

  /** Reads no more until {@link resume}, or the response has come whole. */
  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  /** Ends it at once. Whoever has asked is told nothing. */
  destroy(): void {
    this.#taker = undefined;
    this.#close();
  }

  /** Ends it, and tells whoever has asked. */
  abandon(error: IoliteError): void {
    this.#fail(error);
  }

  /** Node asks after each read where the next one goes. */
  #aim(): Buffer {
    this.#isAimed = this.#left >= LEAST_ROOM_BYTES && !this.#isOver && this.#hasRoom();
    if (this.#isAimed) {
      try {
        return (this.#room as ReceiveRoom).room().subarray(0, this.#left);
      } catch {
        this.#isAimed = false;
      }
    }
    this.#leaveRoom();
    return peerMemory.shared;
  }

  #hasRoom(): boolean {
    this.#room ??= peerMemory.takeRoom();
    return this.#room !== undefined;
  }

  #leaveRoom(): void {
    if (this.#room !== undefined) peerMemory.giveBack(this.#room);
    this.#room = undefined;
  }

  /** @returns whether to read on */
  #arrived(count: number): boolean {
    if (this.#isOver) return false;
    try {
      if (this.#isAimed) this.#takeRoom(count);
      else this.#take(peerMemory.shared.subarray(0, count));
    } catch (error) {
      this.#fail(error as IoliteError);
    }
    return !this.#isOver;
  }

  /** A part of the body came to where it stays. */
  #takeRoom(count: number): void {
    using piece = (this.#room as ReceiveRoom).take(count);
    this.#left -= count;
    this.#taker?.bodyCame(piece);
    if (this.#left === 0) this.#ended();
  }

  #take(bytes: Buffer): void {
    const taker = this.#taker;
    if (taker === undefined) throw wrong('said something unasked');
    if (this.#left > 0 || this.#chunks !== undefined) return this.#takeBody(taker, bytes);
    const all = this.#early === undefined ? bytes : Buffer.concat([this.#early, bytes]);
    const head = parseResponseHead(all);
    if (head === undefined) {
      this.#early = Buffer.from(all);
      return;
    }
    this.#early = undefined;
    this.#endsSoon = head.close;
    this.#left = head.bodyLength ?? 0;
    this.#chunks = head.bodyLength === undefined ? new ChunkedFraming() : undefined;
    taker.headCame(head);
    // Who is not to have it has ended the connection.
    if (this.#isOver) return;
    const rest = all.subarray(head.length);
    if (this.#left > 0 || this.#chunks !== undefined) this.#takeBody(taker, rest);
    else if (rest.length > 0) throw wrong('said more than it was asked');
    else this.#ended();
  }

  #takeBody(taker: ResponseTaker, bytes: Buffer): void {
    const isOver =
      this.#chunks === undefined ? this.#takeLength(taker, bytes) : this.#takeChunks(taker, bytes);
    if (isOver && !this.#isOver) this.#ended();
  }

  /** @returns whether that was all */
  #takeLength(taker: ResponseTaker, bytes: Buffer): boolean {
    if (bytes.length > this.#left) throw wrong('sent more than it said');
    this.#left -= bytes.length;
    give(taker, bytes);
    return this.#left === 0;
  }

  #takeChunks(taker: ResponseTaker, bytes: Buffer): boolean {
    const chunks = this.#chunks as ChunkedFraming;
    const runs: number[] = [];
    if (chunks.take(bytes, runs) !== bytes.length) throw wrong('sent chunks that are none');
    for (let index = 0; index < runs.length && !this.#isOver; index += 2)
      give(taker, bytes.subarray(runs[index], runs[index + 1]));
    return chunks.isOver;
  }

  #ended(): void {
    const taker = this.#taker;
    this.#taker = undefined;
    this.#chunks = undefined;
    this.#isUsed = true;
    // Whoever asks next does not know of it.
    this.resume();
    if (this.#endsSoon) this.#close();
    else {
      // It keeps no process alive on which nobody waits.
      this.#socket.unref();
      this.#host.free(this);
    }
    taker?.ended();
  }

  #tookTooLong(): void {
    this.#fail(new IoliteError('ERR_IOLITE_TIMEOUT', 'The machine sent no response: it is not reached'));
  }

  #broke(why: string, cause?: Error): void {
    this.#fail(new IoliteError('ERR_IOLITE_ORIGIN', `The machine sent no whole response: ${why}`, { cause }));
  }

  #fail(error: IoliteError): void {
    const taker = this.#taker;
    const isStale =
      this.#isUsed && this.#early === undefined && this.#left === 0 && this.#chunks === undefined;
    this.#taker = undefined;
    this.#close();
    taker?.failed(error, isStale);
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#socket.destroy();
    this.#host.gone(this);
  }
}

function give(taker: ResponseTaker, bytes: Buffer): void {
  if (bytes.length === 0) return;
  using piece = peerMemory.copyOf(bytes);
  taker.bodyCame(piece);
}

function wrong(what: string): IoliteError {
  return new IoliteError('ERR_IOLITE_PROTOCOL', `The machine ${what}`);
}
