import type { Slice } from '../../aggregate/slice.ts';
import { checkLength, type Frame, MessageKind, protocolError } from '../wire/frame.ts';
import type { SenderQuotas } from '../wire/quotas.ts';
import { Credit } from './credit.ts';
import { HeavyCredit } from './heavy-credit.ts';

/** What was sent and the peer has not taken, that is leased or received, the oldest first. */
export interface Untaken {
  /** Messages. */
  readonly count: number;
  /** Whether the peer has so little to take that it may be sent more. */
  readonly isShort: boolean;
  /** The oldest were taken. @returns how many of them needed credit */
  taken(count: number): number;
}

/** What counts of a message. */
interface Weighed {
  readonly kind: number;
  readonly correlation: number;
  /** As its receiver weighs it: see weight.ts. */
  readonly weight: number;
}

/**
 * How far a sender may run ahead of its peer. Messages that need credit are bounded by what the peer has not
 * consumed, by number, bytes and weight; pieces of streams by what it has not taken; answers not at all, as
 * it waits for them. The peer tells by acknowledgements how far it is.
 */
export class SendWindow {
  readonly #untaken: Untaken;
  readonly #credit = new Credit();
  readonly #heavyCredit = new HeavyCredit();
  /** Messages that the peer has taken and not consumed, of those that need credit. */
  #unconsumed = 0;
  #taken = 0;
  /** What the peer takes. Nothing is sent before it has said so. */
  quotas: SenderQuotas | undefined;

  constructor(untaken: Untaken) {
    this.#untaken = untaken;
  }

  /** What the peer has not consumed, and how many messages it has not taken. */
  get ahead(): { readonly messages: number; readonly bytes: number; readonly unleased: number } {
    return { ...this.#credit.used, unleased: this.#untaken.count };
  }

  /** Whether the peer has taken everything that was written. */
  get settled(): boolean {
    return this.#untaken.count === 0;
  }

  /** Messages that the peer has taken since the beginning, modulo 2^32. */
  get takenCount(): number {
    return this.#taken;
  }

  mayWrite({ kind, weight }: Weighed): boolean {
    if (this.quotas === undefined) return false;
    if (!needsCredit(kind)) return kind !== MessageKind.PIECE || this.#untaken.isShort;
    return this.#credit.isLeft(this.quotas.maxMessages) && this.#heavyCredit.isLeft(weight);
  }

  /**
   * A message is written. @param slices the memory that it keeps here until it is consumed
   * @returns whether it needed credit
   */
  take({ kind, correlation, weight }: Weighed, slices: readonly Slice[]): boolean {
    if (!needsCredit(kind)) return false;
    this.#credit.take(slices);
    this.#heavyCredit.take(weight, kind === MessageKind.REQUEST ? correlation : undefined);
    return true;
  }

  /** The answer to a request came: see {@link HeavyCredit}. */
  answered(correlation: number): void {
    this.#heavyCredit.answered(correlation);
  }

  /**
   * An ACKNOWLEDGE frame: how many messages the peer has taken and consumed by now, modulo 2^32.
   * @throws ERR_IOLITE_PROTOCOL
   */
  acknowledged(frame: Frame): void {
    checkLength(frame, 8);
    const takenByNow = frame.bytes.readUInt32LE(frame.start);
    const consumedByNow = frame.bytes.readUInt32LE(frame.start + 4);
    const taken = (takenByNow - this.#taken) >>> 0;
    if (taken > this.#untaken.count) throw protocolError('it acknowledged messages that were never sent');
    const consumed = this.#credit.consumed(consumedByNow);
    this.#taken = takenByNow;
    this.#unconsumed += this.#untaken.taken(taken) - consumed;
    if (this.#unconsumed < 0) throw protocolError('it consumed messages that it had not taken');
    this.#heavyCredit.consumed(consumed);
  }
}

/** Whether the receiver of a message says when it is consumed, and bounds how many are not. */
export function needsCredit(kind: number): boolean {
  return kind === MessageKind.ONE_WAY || kind === MessageKind.REQUEST || kind === MessageKind.STREAM;
}
