import { Aggregate } from '../aggregate/aggregate.ts';
import type { Credentials } from '../memory/acl.ts';
import { ArgumentError, describe, IoliteError } from '../os/error.ts';
import { checkGrantable, type ExportTable } from './exports.ts';
import { checkSliceCount, encodeHead, type Message, type Outgoing } from './message.ts';
import { checkAccepted, type SenderQuotas } from './quotas.ts';
import { broken, FrameType, type FrameWriter, MESSAGE_FIXED, MessageKind, SLICE_BYTES } from './wire.ts';

/** Messages the peer may not have taken yet before sending pauses. */
const WINDOW = 256;
/** Bytes of bodies that it may not have taken: what a sender runs ahead is memory that cannot be recycled. */
const WINDOW_BYTES = 32 * 1024 ** 2;
/** Milliseconds after which a full descriptor socket is tried again when no acknowledgement will tell. */
const RETRY = 2;

/** What the sender needs of its channel. */
export interface SenderHost {
  readonly peer: Credentials;
  readonly writer: FrameWriter;
  readonly exports: ExportTable;
  /** Frames were written: see that they leave. */
  wrote(): void;
  /** Frames that others wait for were written: they leave now. */
  flush(): void;
}

/**
 * The sending half of a channel: messages waiting for credit, and our references to what the peer has not
 * leased yet.
 */
export class Sender {
  readonly #host: SenderHost;
  /** One-way messages and requests, which need credit. */
  readonly #messages: Outgoing[] = [];
  /** Answers, which need none: the peer waits for them. */
  readonly #answers: Outgoing[] = [];
  /** Bodies that were sent and not leased yet, oldest first. */
  readonly #inFlight: (Aggregate | undefined)[] = [];
  #sentWithCredit = 0;
  /** Lengths of the bodies that were sent with credit and not consumed yet, oldest first. */
  readonly #unconsumed: number[] = [];
  #unconsumedBytes = 0;
  #peerConsumed = 0;
  #peerLeased = 0;
  /** Whether the message socket takes no more just now. */
  #full = false;
  #retry: NodeJS.Timeout | undefined;
  #ended: Error | undefined;
  /** What the peer takes. Nothing is sent before it has said so. */
  #quotas: SenderQuotas | undefined;

  constructor(host: SenderHost) {
    this.#host = host;
  }

  /** Whether everything handed in was written. */
  get drained(): boolean {
    return this.#messages.length === 0 && this.#answers.length === 0;
  }

  /** Whether the peer has leased everything that was written. */
  get settled(): boolean {
    return this.#inFlight.length === 0;
  }

  /**
   * Hands in a message. Holds a reference of its own to the body until the peer has leased it.
   * @returns when it was written
   */
  send(kind: number, correlation: number, message: Message): Promise<void> {
    return new Promise((sent, failed) => {
      if (this.#ended !== undefined) throw this.#ended;
      if (typeof message !== 'object' || message === null) {
        throw new ArgumentError(`Cannot send message: an object is wanted, ${describe(message)} was given`);
      }
      if (message.body !== undefined && !(message.body instanceof Aggregate)) {
        throw new ArgumentError(
          `Cannot send message: an Aggregate is wanted as body, ${describe(message.body)} was given`,
        );
      }
      if (message.stream !== undefined) {
        throw new ArgumentError('Cannot send message: a stream is sent with sendStream(), one was given');
      }
      const head = encodeHead(message.head);
      const body = message.body?.duplicate();
      try {
        if (body !== undefined) this.#check(body);
      } catch (error) {
        body?.release();
        throw error;
      }
      const outgoing: Outgoing = { kind, correlation, head, body, sent, failed };
      (needsCredit(kind) ? this.#messages : this.#answers).push(outgoing);
      this.pump();
    });
  }

  /** Takes back a request or a stream's beginning that was not written yet. @returns whether there was one */
  withdraw(kind: number, correlation: number): boolean {
    const position = this.#messages.findIndex(o => o.kind === kind && o.correlation === correlation);
    if (position === -1) return false;
    for (const { body } of this.#messages.splice(position, 1)) body?.release();
    return true;
  }

  /** The peer has greeted us. */
  set quotas(quotas: SenderQuotas) {
    this.#quotas = quotas;
    this.#host.exports.quotas = quotas;
    this.pump();
  }

  /** The message socket is full, or has room again. */
  set full(full: boolean) {
    this.#full = full;
    if (!full) this.pump();
  }

  /** Writes what may be written: answers first, then the rest as far as the peer's credit goes. */
  pump(): void {
    this.#drain(this.#answers);
    this.#drain(this.#messages);
  }

  /** The peer tells how many messages it has leased and consumed by now, modulo 2^32. */
  acknowledged(leasedByNow: number, consumedByNow: number): void {
    const leased = (leasedByNow - this.#peerLeased) >>> 0;
    const consumed = (consumedByNow - this.#peerConsumed) >>> 0;
    if (leased > this.#inFlight.length) throw broken('it acknowledged messages that were never sent');
    if (consumed > this.#outstanding) throw broken('it consumed messages that were never sent');
    this.#peerLeased = leasedByNow;
    this.#peerConsumed = consumedByNow;
    for (const body of this.#inFlight.splice(0, leased)) body?.release();
    for (const length of this.#unconsumed.splice(0, consumed)) this.#unconsumedBytes -= length;
    this.pump();
  }

  /** Lets go of everything; what was not written fails with `reason`. */
  end(reason: Error): void {
    this.#ended = reason;
    clearTimeout(this.#retry);
    for (const body of this.#inFlight.splice(0)) body?.release();
    for (const { body, failed } of [...this.#answers.splice(0), ...this.#messages.splice(0)]) {
      body?.release();
      failed(reason);
    }
  }

  /** Messages that the peer has not consumed. */
  get #outstanding(): number {
    return (this.#sentWithCredit - this.#peerConsumed) >>> 0;
  }

  get #hasCredit(): boolean {
    const most = Math.min(WINDOW, this.#quotas?.maxMessages ?? 0);
    return this.#outstanding < most && this.#unconsumedBytes < WINDOW_BYTES;
  }

  #check(body: Aggregate): void {
    const slices = body.slices();
    checkSliceCount(slices.length);
    for (const { lease } of slices) checkGrantable(lease.chunk, this.#host.peer);
  }

  #drain(queue: Outgoing[]): void {
    for (;;) {
      const [first] = queue;
      if (first === undefined || this.#full || this.#quotas === undefined) return;
      if (needsCredit(first.kind) && !this.#hasCredit) return;
      if (!this.#write(first)) return;
      queue.shift();
    }
  }

  /** @returns false when the message has to wait for room in the descriptor socket */
  #write(outgoing: Outgoing): boolean {
    const { kind, body, sent, failed } = outgoing;
    try {
      if (!this.#encode(outgoing)) {
        this.#waitForRoom();
        return false;
      }
    } catch (error) {
      body?.release();
      failed(error as Error);
      return true;
    }
    if (needsCredit(kind)) {
      const length = body?.length ?? 0;
      this.#sentWithCredit = (this.#sentWithCredit + 1) >>> 0;
      this.#unconsumed.push(length);
      this.#unconsumedBytes += length;
    }
    this.#inFlight.push(body);
    sent();
    this.#host.wrote();
    return true;
  }

  /** The peer makes room by reading the grants so far; its next acknowledgement, or a timer, tells. */
  #waitForRoom(): void {
    this.#host.flush();
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.pump();
    }, RETRY);
  }

  /** @returns false when a descriptor could not be passed yet */
  #encode({ kind, correlation, head, body }: Outgoing): boolean {
    const { peer, exports, writer } = this.#host;
    const slices = body?.slices() ?? [];
    if (this.#quotas !== undefined) {
      checkAccepted(this.#quotas, head.length, slices.length, body?.length ?? 0);
    }
    const indexes: number[] = [];
    for (const { lease } of slices) {
      checkGrantable(lease.chunk, peer);
      const index = exports.grant(lease.chunk, slices);
      if (index === undefined) return false;
      indexes.push(index);
    }
    const length = MESSAGE_FIXED + head.length + slices.length * SLICE_BYTES;
    const { buffer, at: start } = writer.frame(FrameType.MESSAGE, body === undefined ? 0 : 1, length);
    let at = start;
    for (const field of [kind, correlation, head.length, slices.length]) at = buffer.writeUInt32LE(field, at);
    at += head.copy(buffer, at);
    for (const [position, { lease, start, end }] of slices.entries()) {
      at = buffer.writeUInt32LE(indexes[position] as number, at);
      at = buffer.writeUInt32LE(lease.generation, at);
      at = buffer.writeUInt32LE(start, at);
      at = buffer.writeUInt32LE(end - start, at);
    }
    return true;
  }
}

export function needsCredit(kind: number): boolean {
  return kind === MessageKind.ONE_WAY || kind === MessageKind.REQUEST || kind === MessageKind.STREAM;
}

/** The error of sending on a channel that was closed on this side. */
export function closedHere(): IoliteError {
  return new IoliteError('ERR_IOLITE_CLOSED', 'Cannot send message: the channel is closed');
}
