import type { Credentials } from '../memory/acl.ts';
import type { ChannelOptions } from './channel-options.ts';
import { ImportTable } from './chunks/import-table.ts';
import { decodeMessage } from './decode-message.ts';
import { Acknowledgements } from './flow/acknowledgements.ts';
import { needsCredit } from './flow/send-window.ts';
import { Inbox } from './inbox.ts';
import type { Message } from './message.ts';
import type { MessageToSend } from './message-content.ts';
import type { Requester } from './requester.ts';
import { Responder } from './responder.ts';
import { IncomingStreams } from './stream/incoming-streams.ts';
import { failureOf } from './wire/failure.ts';
import { type Frame, type FrameWriter, MessageKind } from './wire/frame.ts';
import { HeadMemo } from './wire/head.ts';
import type { Quotas } from './wire/quotas.ts';
import { HEAVY_BYTES } from './wire/weight.ts';

/** What the receiver needs of its channel. */
export interface ReceiverHost {
  readonly peer: Credentials;
  readonly writer: FrameWriter;
  /** Whose requests the peer answers. */
  readonly requester: Requester;
  /** Whether the peer has taken so much of what it was answered that it may be answered more. */
  mayAnswer(): boolean;
  /** Sends an answer. */
  send(kind: number, correlation: number, message: MessageToSend): Promise<void>;
  /** Frames were written, or are to be written when the channel flushes. */
  wrote(): void;
}

/**
 * The receiving half of a channel: reads the peer's messages, hands each to the part that waits for it, and
 * acknowledges what was leased and consumed of them.
 */
export class Receiver {
  /** The chunks that the peer's messages name. */
  readonly imports: ImportTable;
  /** One-way messages. */
  readonly inbox: Inbox<Message>;
  /** Requests. */
  readonly responder: Responder;
  readonly streams: IncomingStreams;
  readonly #host: ReceiverHost;
  readonly #quotas: Quotas;
  readonly #acknowledgements: Acknowledgements;
  readonly #heads: HeadMemo | undefined;
  /** What those of the messages in the inbox weigh that are heavy. */
  readonly #weights = new Map<Message, number>();

  /** @param descriptors the channel's socket for descriptors */
  constructor(descriptors: number, options: ChannelOptions, quotas: Quotas, host: ReceiverHost) {
    this.#host = host;
    this.#quotas = quotas;
    this.#acknowledgements = new Acknowledgements(() => host.wrote(), quotas.maxMessages);
    this.#heads = options.rememberHeads === true ? new HeadMemo() : undefined;
    this.imports = new ImportTable(descriptors, options, quotas, host);
    this.inbox = new Inbox(message => this.#acknowledgements.consumed(this.#weightOf(message)));
    this.responder = new Responder({
      send: (kind, correlation, message) => host.send(kind, correlation, message),
      answered: weight => this.#acknowledgements.consumed(weight),
      mayAnswer: () => host.mayAnswer(),
    });
    this.streams = new IncomingStreams(host.writer, () => host.wrote(), quotas);
  }

  /** A MESSAGE frame. @throws ERR_IOLITE_PROTOCOL, ERR_IOLITE_STALE, ERR_IOLITE_LIMIT */
  message(frame: Frame): void {
    const { kind, correlation, message, weight } = decodeMessage(
      frame,
      this.imports,
      this.#quotas,
      this.#admit,
      this.#heads,
    );
    this.#acknowledgements.leased();
    this.#deliver(kind, correlation, message, weight);
  }

  /** Writes what the peer was not told yet of what was leased and consumed here. */
  acknowledge(): void {
    this.streams.writeCredits();
    this.#acknowledgements.write(this.#host.writer);
  }

  /**
   * The channel is closed: whoever waits for something of the peer is told, and what it sent is let go of.
   * @param error the accident, if it was one
   * @param reason what is told: the same, or that the channel is closed
   */
  end(error: Error | undefined, reason: Error): void {
    this.streams.end(reason);
    this.responder.end(reason);
    this.#host.requester.rejectAll(reason);
    this.inbox.end(error);
    this.#weights.clear();
    this.imports.clear();
  }

  readonly #admit = (kind: number, weight: number): void => {
    if (needsCredit(kind)) this.#acknowledgements.admit(weight);
  };

  #deliver(kind: number, correlation: number, message: Message, weight: number): void {
    switch (kind) {
      case MessageKind.ONE_WAY:
        return this.#push(message, weight);
      case MessageKind.REQUEST:
        return this.responder.request(correlation, message, weight);
      case MessageKind.RESPONSE:
        return this.#host.requester.answered(correlation, message);
      case MessageKind.FAILURE:
        message.body?.release();
        this.#host.requester.failed(correlation, failureOf(message.head));
        return;
      case MessageKind.STREAM:
        return this.#push({ ...message, stream: this.streams.opened(correlation) }, weight);
      default:
        return this.streams.deliver(kind, correlation, message);
    }
  }

  #push(message: Message, weight: number): void {
    if (weight > HEAVY_BYTES) this.#weights.set(message, weight);
    this.inbox.push(message);
  }

  #weightOf(message: Message): number {
    const weight = this.#weights.size === 0 ? undefined : this.#weights.get(message);
    if (weight !== undefined) this.#weights.delete(message);
    return weight ?? 0;
  }
}
