import { invariant } from '../../base/invariant.ts';
import type { MessageContent } from '../message-content.ts';
import { FrameType, type FrameWriter } from '../wire/frame.ts';
import { quotaExceededError } from '../wire/quotas.ts';

/** What of the peer's messages was leased and consumed, to be told to the peer. */
export class Acknowledgements {
  readonly #changed: () => void;
  readonly #maxMessages: number;
  /** Since the channel began, modulo 2^32. */
  #leased = 0;
  #consumed = 0;
  /** Messages that are here and that the program has not consumed. */
  #waiting = 0;
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
   * The message that came is one to be consumed. @throws ERR_IOLITE_LIMIT, its body released, when too many
   * wait
   */
  admit({ body }: MessageContent): void {
    if (this.#waiting >= this.#maxMessages) {
      body?.release();
      throw quotaExceededError('maxMessages', this.#maxMessages);
    }
    this.#waiting += 1;
  }

  /** The program has consumed a message that was admitted. */
  consumed(): void {
    invariant(this.#waiting > 0, 'a message that is consumed was admitted');
    this.#waiting -= 1;
    this.#consumed = (this.#consumed + 1) >>> 0;
    this.#tell();
  }

  /** Writes an ACKNOWLEDGE frame, if there is news. */
  write(writer: FrameWriter): void {
    if (!this.#untold) return;
    this.#untold = false;
    const { buffer, at } = writer.frame(FrameType.ACKNOWLEDGE, 0, 8);
    buffer.writeUInt32LE(this.#leased, at);
    buffer.writeUInt32LE(this.#consumed, at + 4);
  }

  #tell(): void {
    this.#untold = true;
    this.#changed();
  }
}
