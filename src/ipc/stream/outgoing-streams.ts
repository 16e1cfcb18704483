import { setTimeout } from 'node:timers/promises';
import type { Aggregate } from '../../aggregate/aggregate.ts';
import { Pieces } from '../../aggregate/pieces.ts';
import { createPool, type Pool } from '../../aggregate/pool.ts';
import type { StreamLike } from '../../aggregate/stream/from-stream.ts';
import { checkOptions, checkSignal } from '../../aggregate/stream/stream-options.ts';
import { abortable } from '../../base/abortable.ts';
import { ignore } from '../../base/ignore.ts';
import { invariant } from '../../base/invariant.ts';
import type { Json } from '../../base/json.ts';
import { CHANNEL_WINDOW, type StreamWindow } from '../flow/stream-window.ts';
import type { MessageContent } from '../message-content.ts';
import { describeFailure, failureOf, readReason } from '../wire/failure.ts';
import { checkLength, type Frame, MessageKind, protocolError } from '../wire/frame.ts';
import { encodeHead } from '../wire/head.ts';

/** Options of channel.sendStream(). */
export interface SendStreamOptions {
  /** What the receiver gets at once, with the stream. */
  readonly head?: Json | undefined;
  /** Whose buffers are filled, so whose ACL counts. Default: a pool for processes of the same user. */
  readonly pool?: Pool | undefined;
  /** Ends the stream at both sides, here with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What outgoing streams need of their channel. */
export interface OutgoingStreamsHost {
  send(kind: number, stream: number, message: MessageContent): Promise<void>;
  /** Takes back what was not written yet. @returns whether there was something */
  withdraw(kind: number, stream: number): boolean;
  /** A stream is over. */
  ended(): void;
}

/** The pause between attempts at a pool that is full, and how many are made after all was consumed. */
const PAUSE_MS = 5;
const MAX_PAUSES = 20;

/** One stream on its way to the peer. */
class OutgoingStream {
  /** Aborted with what ends the stream early: the peer's error, the signal's reason, the channel's end. */
  readonly failure = new AbortController();
  /** Lengths of the pieces that the peer has not consumed, oldest first; the end counts as an empty one. */
  readonly #unconsumed: number[] = [];
  #bytes = 0;
  #peerConsumed = 0;
  #wake: (() => void) | undefined;
  /** Waits for memory in a row while the peer had consumed everything. */
  #pauses = 0;

  sent(length: number): void {
    this.#unconsumed.push(length);
    this.#bytes += length;
  }

  /** The peer tells how many pieces it has consumed by now, modulo 2^32. */
  consumed(byNow: number): void {
    const count = (byNow - this.#peerConsumed) >>> 0;
    if (count > this.#unconsumed.length)
      throw protocolError('it consumed pieces of a stream that were never sent');
    this.#peerConsumed = byNow;
    for (const length of this.#unconsumed.splice(0, count)) this.#bytes -= length;
    invariant(
      this.#unconsumed.length > 0 ? this.#bytes >= 0 : this.#bytes === 0,
      'bytes that are not consumed are those of pieces that are not',
    );
    this.#wake?.();
  }

  /** Waits until one more piece may be sent. */
  room({ pieces, bytes }: StreamWindow): Promise<void> {
    return this.#until(() => this.#unconsumed.length < pieces && this.#bytes < bytes);
  }

  /**
   * Waits a moment for memory: what the peer has not consumed yet comes back, and its kernel locks linger for
   * some milliseconds after that.
   * @returns false when there is nothing left to wait for
   */
  async memory(): Promise<boolean> {
    this.#pauses = this.#unconsumed.length > 0 ? 0 : this.#pauses + 1;
    await setTimeout(PAUSE_MS, undefined, { ref: false });
    return this.#pauses < MAX_PAUSES && !this.failure.signal.aborted;
  }

  /** Waits until everything was consumed. */
  finished(): Promise<void> {
    return this.#until(() => this.#unconsumed.length === 0);
  }

  async #until(fulfilled: () => boolean): Promise<void> {
    while (!fulfilled()) {
      const woken = new Promise<void>(resolve => {
        this.#wake = resolve;
      });
      await abortable(woken, this.failure.signal);
    }
    this.failure.signal.throwIfAborted();
  }
}

let ownPool: Pool | undefined;

/**
 * Streams that this side of a channel sends, each with a credit of its own: one that the peer does not read
 * holds up neither the others nor messages.
 */
export class OutgoingStreams {
  readonly #host: OutgoingStreamsHost;
  readonly #streams = new Map<number, OutgoingStream>();
  /** How far each may run ahead of its reader. */
  window: StreamWindow;
  #next = 1;

  constructor(host: OutgoingStreamsHost, window: StreamWindow = CHANNEL_WINDOW) {
    this.#host = host;
    this.window = window;
  }

  /** How many are under way. */
  get count(): number {
    return this.#streams.size;
  }

  get idle(): boolean {
    return this.#streams.size === 0;
  }

  /**
   * See Channel.sendStream.
   * @param open sends what begins the stream of this number, in place of a message of its own
   */
  async send(
    source: StreamLike,
    options: SendStreamOptions,
    open?: (stream: number) => Promise<void>,
  ): Promise<void> {
    checkOptions(options, 'send stream');
    const { head, signal } = options;
    checkSignal(signal, 'send stream');
    encodeHead(head);
    ownPool ??= createPool({ name: 'streams' });
    const stream = new OutgoingStream();
    const pieces = new Pieces(source, options.pool ?? ownPool, () => stream.memory());
    const id = this.#next;
    this.#next = (this.#next + 1) >>> 0;
    invariant(!this.#streams.has(id), 'no two streams under way have the same number');
    this.#streams.set(id, stream);
    const abort = (): void => stream.failure.abort(signal?.reason);
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
    // At once: a source that fails meanwhile would find nobody to tell.
    const first = pieces.next();
    first.catch(ignore);
    try {
      await this.#open(id, stream, () => open?.(id) ?? this.#host.send(MessageKind.STREAM, id, headed(head)));
      await this.#run(id, stream, pieces, first);
    } catch (error) {
      pieces.cancel(error);
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#streams.delete(id);
      this.#host.ended();
    }
  }

  /** A CREDIT frame. Streams that are not known are over by now. */
  consumed(frame: Frame): void {
    checkLength(frame, 8);
    this.#streams.get(frame.body.readUInt32LE(0))?.consumed(frame.body.readUInt32LE(4));
  }

  /** A STOP frame: the peer does not want the rest. */
  stopped({ body }: Frame): void {
    if (body.length < 4) throw protocolError('a stream was stopped without a number');
    const reason = readReason(body, 4);
    // An error costs much more than the reading: none is made for a stream that has ended.
    this.#streams.get(body.readUInt32LE(0))?.failure.abort(failureOf(reason));
  }

  /** The channel is closed. */
  end(reason: Error): void {
    for (const { failure } of this.#streams.values()) failure.abort(reason);
  }

  async #open(id: number, { failure }: OutgoingStream, open: () => Promise<void>): Promise<void> {
    const { signal } = failure;
    signal.throwIfAborted();
    const opened = open();
    try {
      await abortable(opened, signal);
    } catch (error) {
      if (!this.#host.withdraw(MessageKind.STREAM, id)) opened.then(() => this.#end(id, error), ignore);
      throw error;
    }
  }

  async #run(
    id: number,
    stream: OutgoingStream,
    pieces: Pieces,
    first: Promise<Aggregate | undefined>,
  ): Promise<void> {
    try {
      for (let next = first; ; next = pieces.next()) {
        const piece = await abortable(next, stream.failure.signal);
        if (piece === undefined) break;
        await this.#sendPiece(id, stream, piece);
        await stream.room(this.window);
      }
      stream.sent(0);
      await this.#host.send(MessageKind.END, id, {});
    } catch (error) {
      this.#end(id, error);
      throw error;
    }
    await stream.finished();
  }

  /** Sends a piece, cut as the window wants it. Releases it. */
  async #sendPiece(id: number, stream: OutgoingStream, piece: Aggregate): Promise<void> {
    const { window } = this;
    const send = (body: Aggregate): Promise<void> => {
      stream.sent(body.length);
      return this.#host.send(MessageKind.PIECE, id, { body });
    };
    try {
      let at = 0;
      for (; piece.length - at > window.pieceBytes; at += window.pieceBytes) {
        using part = piece.slice(at, at + window.pieceBytes);
        await send(part);
        await stream.room(window);
      }
      if (at === 0) return await send(piece);
      using rest = piece.slice(at);
      await send(rest);
    } finally {
      piece.release();
    }
  }

  /** Tells the peer that a stream ended early. On a closed channel there is nobody to tell. */
  #end(id: number, error: unknown): void {
    this.#host.send(MessageKind.END, id, { head: describeFailure(error) }).catch(ignore);
  }
}

function headed(head: Json | undefined): MessageContent {
  return head === undefined ? {} : { head };
}
