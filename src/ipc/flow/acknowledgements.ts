import { invariant } from '../../base/invariant.ts';
import { FrameType, type FrameWriter } from '../wire/frame.ts';
import { quotaExceededError } from '../wire/quotas.ts';
import { HEAVY_BYTES, heavyLimitError, MAX_HEAVY_BYTES } from '../wire/weight.ts';

/** Messages that were consumed and not told of, as the peer reads nothing: so many times what may wait. */
const MAX_UNTOLD_WINDOWS = 4;

/** What of the peer's messages was leased and consumed, to be told to the peer. */
export class Acknowledgements {
  readonly #changed: () => void;
  readonly #maxMessages: number;
  /** Since the channel began, modulo 2^32. */
  #leased = 0;
  #consumed = 0;
  /** Messages that are here and that the program has not consumed. */
  #waiting = 0;
  /** What those of them weigh that are heavy. */
  #heavyBytes = 0;
  /** How many were consumed of which the peer was not told. */
  #untoldCount = 0;
  #untold = false;

  /** @param changed called when there is something to tell */
  constructor(changed: () => void, maxMessages: number) {
    this.#changed = changed;
    this.#maxMessages = maxMessages;
  }

  /** A message came, and its body is leased. */
  leased(): void {
    this.#leased = (this.#leased + 1) >>> 0;
    this.#tell();
  }

  /**
   * A message comes that is to be consumed. @throws ERR_IOLITE_LIMIT when too many wait, or too heavy ones
   */
  admit(weight: number): void {
    const isFlood = this.#untoldCount >= this.#maxMessages * MAX_UNTOLD_WINDOWS;
    if (this.#waiting >= this.#maxMessages || isFlood) {
      throw quotaExceededError('maxMessages', this.#maxMessages);
    }
    if (weight > HEAVY_BYTES) {
      if (this.#heavyBytes >= MAX_HEAVY_BYTES) throw heavyLimitError();
      this.#heavyBytes += weight;
    }
    this.#waiting += 1;
  }

  /** The program has consumed a message that was admitted. @param weight as it was admitted with */
  consumed(weight = 0): void {
    invariant(this.#waiting > 0, 'a message that is consumed was admitted');
    this.#waiting -= 1;
    if (weight > HEAVY_BYTES) this.#heavyBytes -= weight;
    invariant(this.#heavyBytes >= 0, 'a heavy message that is consumed was admitted as one');
    this.#consumed = (this.#consumed + 1) >>> 0;
    this.#untoldCount += 1;
    this.#tell();
  }

  /** Writes an ACKNOWLEDGE frame, if there is news. */
  write(writer: FrameWriter): void {
    if (!this.#untold) return;
    this.#untold = false;
    this.#untoldCount = 0;
    const { buffer, at } = writer.frame(FrameType.ACKNOWLEDGE, 0, 8);
    buffer.writeUInt32LE(this.#leased, at);
    buffer.writeUInt32LE(this.#consumed, at + 4);
  }

  #tell(): void {
    this.#untold = true;
    this.#changed();
  }
}
