import { Aggregate } from '../aggregate/aggregate.ts';
import type { Content } from '../aggregate/byte-sequence.ts';
import type { Slice } from '../aggregate/slice.ts';
import { ArgumentError, BoundsError, describe, IoliteError } from '../base/error.ts';
import { invariant } from '../base/invariant.ts';
import type { Credentials } from '../memory/acl.ts';
import { type Chunk, SHARED_FACT_BYTES } from '../memory/chunk.ts';
import { defaultPool } from '../memory/default-pool.ts';
import { isPeerGone } from '../os/socket.ts';
import { bodyForPeer } from './chunks/body-for-peer.ts';
import { checkGrantable, type ExportTable } from './chunks/export-table.ts';
import { SendWindow } from './flow/send-window.ts';
import { Unleased } from './flow/unleased.ts';
import { SENT, type WaitingMessage, WaitingMessages } from './flow/waiting-messages.ts';
import type { MessageToSend } from './message-content.ts';
import {
  type Frame,
  FrameType,
  type FrameWriter,
  MAX_SLICES,
  MESSAGE_FIXED_BYTES,
  SLICE_BYTES,
} from './wire/frame.ts';
import { bytesOfHead, weightToSend } from './wire/head.ts';
import { checkAccepted, type SenderQuotas } from './wire/quotas.ts';
import { weightOfMessage } from './wire/weight.ts';

/** After this a full descriptor socket is tried again, when no acknowledgement tells. */
const RETRY_MS = 2;

/** What the sender needs of its channel. */
export interface SenderHost {
  readonly peer: Credentials;
  readonly writer: FrameWriter;
  readonly exports: ExportTable;
  /** Frames were written: see that they leave. */
  wrote(): void;
  /** Frames that others wait for were written: they leave now. */
  flush(): void;
  /** The peer has taken what it was sent. */
  relieved(): void;
  /** The peer takes no descriptors any more: it is gone, or as good as that. */
  lost(): void;
}

/** A message made ready to be sent. */
interface OutgoingMessage extends WaitingMessage {
  /** The body's. */
  readonly slices: readonly Slice[];
  /** As {@link weightOfMessage} has it. */
  readonly weight: number;
}

/**
 * The sending half of a channel: messages waiting for credit, and our references to what the peer has not
 * leased yet.
 */
export class Sender {
  readonly #host: SenderHost;
  readonly #waiting = new WaitingMessages<OutgoingMessage>({
    mayWrite: message => !this.#full && !this.#isPeerLost && this.#window.mayWrite(message),
    write: message => this.#write(message),
  });
  readonly #unleased = new Unleased();
  readonly #window = new SendWindow(this.#unleased);
  /** Whether the message socket takes no more just now. */
  #full = false;
  #retry: NodeJS.Timeout | undefined;
  /** Whether nobody takes descriptors at the other end: the end of the message socket tells why. */
  #isPeerLost = false;

  constructor(host: SenderHost) {
    this.#host = host;
  }

  /** Whether everything handed in was written. */
  get drained(): boolean {
    return this.#waiting.count === 0;
  }

  /** How many messages wait for credit, or for room. */
  get waiting(): number {
    return this.#waiting.count;
  }

  /** What the peer has not consumed, and how many messages it has not leased. */
  get ahead(): SendWindow['ahead'] {
    return this.#window.ahead;
  }

  /** Whether the peer has leased everything that was written. */
  get settled(): boolean {
    return this.#window.settled;
  }

  /**
   * Whether the peer has taken so much of what it was sent that it may be answered more. Answers need no
   * credit; so this is what bounds them.
   */
  get mayAnswer(): boolean {
    return this.#waiting.isShort && this.#unleased.isShort;
  }

  /** Of messages, modulo 2^32. */
  get leasedCount(): number {
    return this.#window.takenCount;
  }

  /** Chunks of what was sent and the peer has not leased. */
  untaken(): Set<Chunk> {
    const chunks = new Set<Chunk>();
    for (const body of this.#unleased.bodies)
      for (const { lease } of body?.slices() ?? []) chunks.add(lease.chunk);
    return chunks;
  }

  /** The answer to a request came: see {@link HeavyCredit}. */
  answered(correlation: number): void {
    this.#window.answered(correlation);
  }

  /**
   * Hands in a message. Holds a reference of its own to the body until the peer has leased it.
   * @returns when it was written: {@link SENT} if that was at once
   */
  send(kind: number, correlation: number, message: MessageToSend): Promise<void> {
    try {
      if (this.#waiting.ended !== undefined) throw this.#waiting.ended;
      return this.#waiting.send(this.#prepare(kind, correlation, message));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Takes back a request or a stream's beginning that was not written yet. @returns whether there was one */
  withdraw(kind: number, correlation: number): boolean {
    return this.#waiting.withdraw(kind, correlation);
  }

  /** The peer has greeted us. */
  set quotas(quotas: SenderQuotas) {
    this.#window.quotas = quotas;
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
    this.#waiting.pump();
    if (this.mayAnswer) this.#host.relieved();
  }

  /** An ACKNOWLEDGE frame: how many messages the peer has leased and consumed by now, modulo 2^32. */
  acknowledged(frame: Frame): void {
    this.#window.acknowledged(frame);
    this.pump();
  }

  /** Lets go of everything; what was not written fails with `reason`. */
  end(reason: Error): void {
    clearTimeout(this.#retry);
    this.#unleased.taken(this.#unleased.count);
    this.#waiting.end(reason);
  }

  /** @throws what is wrong with the message */
  #prepare(kind: number, correlation: number, message: MessageToSend): OutgoingMessage {
    if (typeof message !== 'object' || message === null) {
      throw new ArgumentError(`Cannot send message: an object is wanted, ${describe(message)} was given`);
    }
    const { body } = message;
    if (body !== undefined && !(body instanceof Aggregate))
      return this.#prepareBytes(kind, correlation, message);
    if ('stream' in message && message.stream !== undefined) {
      throw new ArgumentError('Cannot send message: a stream is sent with sendStream(), one was given');
    }
    const head = bytesOfHead(message.head);
    const headWeight = weightToSend(head);
    if (body === undefined)
      return { kind, correlation, head, body, slices: [], weight: weightOfMessage(headWeight, 0) };
    const slices = slicesToSend(body);
    const { exports, peer } = this.#host;
    let isNew = false;
    for (const { lease } of slices) {
      if (lease.chunk.isWritable) return this.#prepareCopy(kind, correlation, message);
      if (exports.numberOf(lease.chunk) !== undefined) continue;
      checkGrantable(lease.chunk, peer);
      isNew = true;
    }
    const weight = weightOfMessage(headWeight, slices.length);
    if (!isNew) return { kind, correlation, head, body: body.duplicate(), slices, weight };
    const passed = bodyForPeer(peer, body, slices);
    return { kind, correlation, head, body: passed, slices: passed.slices(), weight };
  }

  /** A body that is no aggregate: one is made. */
  #prepareBytes(kind: number, correlation: number, message: MessageToSend): OutgoingMessage {
    const body = Aggregate.empty();
    try {
      return this.#prepare(kind, correlation, { ...message, body: body.append(message.body as Content) });
    } finally {
      body.release();
    }
  }

  /**
   * What a program was let write (`onWrite: 'copy'`) lies in pages of its own: its bytes are copied, for they
   * need not be those that the owner of the chunk has.
   */
  #prepareCopy(kind: number, correlation: number, message: MessageToSend): OutgoingMessage {
    const copy = (message.body as Aggregate).duplicate();
    try {
      return this.#prepare(kind, correlation, { ...message, body: copy.compact({ chunks: defaultPool() }) });
    } finally {
      copy.release();
    }
  }

  /**
   * @returns undefined when the message has to wait: for room in the descriptor socket, or for the channel's
   *   end
   * @throws when it cannot be sent: then its body is released
   */
  #write(outgoing: OutgoingMessage): Promise<void> | undefined {
    const { body, slices } = outgoing;
    try {
      if (!this.#encode(outgoing)) {
        this.#waitForRoom();
        return undefined;
      }
    } catch (error) {
      if (isPeerGone(error)) {
        this.#isPeerLost = true;
        this.#host.lost();
        return undefined;
      }
      body?.release();
      throw error;
    }
    this.#unleased.add(body, slices, this.#window.take(outgoing, slices));
    this.#host.wrote();
    return SENT;
  }

  /** The peer makes room by reading the grants so far; its next acknowledgement, or a timer, tells. */
  #waitForRoom(): void {
    this.#host.flush();
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.pump();
    }, RETRY_MS);
  }

  /** @returns false when a descriptor could not be passed yet */
  #encode({ kind, correlation, head, body, slices }: OutgoingMessage): boolean {
    const { peer, exports, writer } = this.#host;
    const { quotas } = this.#window;
    if (quotas !== undefined) checkAccepted(quotas, head.length, slices.length, body?.length ?? 0);
    for (const { lease } of slices) {
      if (exports.numberOf(lease.chunk) !== undefined) continue;
      checkGrantable(lease.chunk, peer);
      if (!exports.grant(lease.chunk, slices, peer)) return false;
    }
    const length = MESSAGE_FIXED_BYTES + head.length + slices.length * SLICE_BYTES;
    const { buffer, at: start } = writer.frame(FrameType.MESSAGE, body === undefined ? 0 : 1, length);
    buffer.writeUInt32LE(kind, start);
    buffer.writeUInt32LE(correlation, start + 4);
    buffer.writeUInt32LE(head.length, start + 8);
    buffer.writeUInt32LE(slices.length, start + 12);
    let at = start + MESSAGE_FIXED_BYTES;
    if (head.length > 0) at += head.copy(buffer, at);
    for (const { lease, start: first, end } of slices) {
      const index = exports.numberOf(lease.chunk);
      invariant(index !== undefined, 'a chunk that a message names is granted');
      buffer.writeUInt32LE(index, at);
      buffer.writeUInt32LE(lease.generation, at + 4);
      buffer.writeUInt32LE(first, at + 8);
      buffer.writeUInt32LE(end - first, at + 12);
      if (end - first >= SHARED_FACT_BYTES) exports.noteSent(lease.chunk, lease.generation, first, end);
      at += SLICE_BYTES;
    }
    return true;
  }
}

/** The error of sending on a channel that was closed on this side. */
export function channelClosedError(): IoliteError {
  return new IoliteError('ERR_IOLITE_CLOSED', 'Cannot send message: the channel is closed');
}

/**
 * The slices of a body, as many as a message can name: where there are more, small ones are copied together.
 * @throws ERR_IOLITE_RANGE where that is not enough, or there is no room for a copy
 */
function slicesToSend(body: Aggregate): Slice[] {
  const slices = body.slices();
  if (slices.length <= MAX_SLICES) return slices;
  const gathered = body.gather(MAX_SLICES).slices();
  if (gathered.length <= MAX_SLICES) return gathered;
  throw new BoundsError(
    `Cannot send message: at most ${MAX_SLICES} slices are wanted, ${gathered.length} were given; ` +
      'compact() the body first',
  );
}
