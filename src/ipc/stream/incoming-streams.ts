import { IoliteError } from '../../base/error.ts';
import { CHANNEL_WINDOW, type StreamWindow } from '../flow/stream-window.ts';
import type { MessageContent } from '../message-content.ts';
import { failureOf, writeReason } from '../wire/failure.ts';
import { FrameType, type FrameWriter, MessageKind, protocolError } from '../wire/frame.ts';
import { type Quotas, quotaExceededError } from '../wire/quotas.ts';
import { IncomingStream } from './incoming-stream.ts';

/** Streams that the peer of a channel sends, until it has ended them. */
export class IncomingStreams {
  readonly #writer: FrameWriter;
  readonly #wrote: () => void;
  readonly #maxStreams: number;
  readonly #window: StreamWindow;
  readonly #streams = new Map<number, IncomingStream>();
  /** Streams of which the program has consumed more than the peer was told. */
  readonly #uncredited = new Set<IncomingStream>();

  /**
   * @param wrote called when frames were written, or are to be
   * @param quotas how many the peer may have under way at once
   * @param window how far it may run ahead in each
   */
  constructor(
    writer: FrameWriter,
    wrote: () => void,
    { maxStreams }: Pick<Quotas, 'maxStreams'>,
    window: StreamWindow = CHANNEL_WINDOW,
  ) {
    this.#writer = writer;
    this.#wrote = wrote;
    this.#maxStreams = maxStreams;
    this.#window = window;
  }

  /** Streams that the peer has not ended. */
  get open(): number {
    return this.#streams.size;
  }

  /** A stream that is open. */
  get(id: number): IncomingStream | undefined {
    return this.#streams.get(id);
  }

  /** A message opens a stream. @throws ERR_IOLITE_PROTOCOL, ERR_IOLITE_LIMIT */
  opened(id: number): IncomingStream {
    if (this.#streams.has(id)) throw protocolError(`stream ${id} was opened twice`);
    if (this.#streams.size >= this.#maxStreams) {
      throw quotaExceededError('maxStreams', this.#maxStreams);
    }
    const host = {
      consumed: (consumer: IncomingStream) => {
        this.#uncredited.add(consumer);
        this.#wrote();
      },
      stopped: (consumer: IncomingStream, reason: unknown) => this.#stop(consumer, reason),
    };
    const stream = new IncomingStream(id, host, this.#window);
    this.#streams.set(id, stream);
    return stream;
  }

  /**
   * A message of a stream that is open. @throws ERR_IOLITE_PROTOCOL when it is none, or of no kind that is
   * known
   */
  deliver(kind: number, id: number, message: MessageContent): void {
    if (kind === MessageKind.PIECE) return this.#piece(id, message);
    if (kind === MessageKind.END) return this.#ended(id, message);
    message.body?.release();
    throw protocolError(`message kind ${kind} is unknown`);
  }

  /** A piece of a stream. The stream may be one that the program has cancelled and the peer not ended yet. */
  #piece(id: number, { body }: MessageContent): void {
    const stream = this.#streams.get(id);
    if (body !== undefined && stream !== undefined) {
      stream.push(body);
      return;
    }
    body?.release();
    throw protocolError(`a piece of stream ${id} came, which is not open or has no body`);
  }

  /** The end of a stream: early, if the head says why. */
  #ended(id: number, { head, body }: MessageContent): void {
    body?.release();
    const stream = this.#streams.get(id);
    if (stream === undefined) throw protocolError(`stream ${id} was ended and is not open`);
    this.#streams.delete(id);
    if (head === undefined) stream.complete();
    else stream.fail(failureOf(head));
  }

  /** Writes what the program has consumed. */
  writeCredits(): void {
    // To clear a Set makes it anew, even an empty one.
    if (this.#uncredited.size === 0) return;
    for (const { id, consumedCount } of this.#uncredited) {
      const { buffer, at } = this.#writer.frame(FrameType.CREDIT, 0, 8);
      buffer.writeUInt32LE(id, at);
      buffer.writeUInt32LE(consumedCount, at + 4);
    }
    this.#uncredited.clear();
  }

  /** This side closes the channel: the peer is told that nobody reads its streams any more. */
  cancelAll(): void {
    for (const stream of this.#streams.values()) stream.cancel();
  }

  /** The channel is closed. */
  end(reason: Error): void {
    for (const stream of this.#streams.values()) stream.fail(reason);
    this.#streams.clear();
    this.#uncredited.clear();
  }

  #stop({ id }: IncomingStream, reason: unknown): void {
    writeReason(this.#writer, FrameType.STOP, [id], reason ?? streamUnwantedError());
    this.#wrote();
  }
}

/** What the peer's sendStream() rejects with when the program says nothing else. */
function streamUnwantedError(): IoliteError {
  return new IoliteError('ERR_IOLITE_CLOSED', 'The receiver of the stream stopped reading it');
}
