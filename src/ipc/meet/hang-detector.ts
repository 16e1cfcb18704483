import type { Channel } from '../channel.ts';

/**
 * Watches whether the event loop of a process turns: asks it for a sign of life, and says so when none has
 * come for a while. A pause of the whole machine is no sign: only after it was asked twice in vain is the
 * process taken for stuck.
 */
export class HangDetector {
  readonly #channel: Channel;
  readonly #stuck: () => void;
  readonly #timer: NodeJS.Timeout;
  #isAnswered = true;
  #missed = 0;

  /**
   * Begins. Ends with the channel.
   * @param channel to a process that answers any request
   * @param limit milliseconds
   * @param stuck called once
   */
  constructor(channel: Channel, limit: number, stuck: () => void) {
    this.#channel = channel;
    this.#stuck = stuck;
    this.#timer = setInterval(() => this.#check(), Math.max(1, limit / 2)).unref();
    channel.once('close', () => clearInterval(this.#timer));
  }

  #check(): void {
    if (this.#isAnswered) {
      this.#missed = 0;
      this.#isAnswered = false;
      this.#channel.request({}).then(
        ({ body }) => {
          body?.release();
          this.#isAnswered = true;
        },
        () => {}, // The channel is closed, and with it this ends.
      );
      return;
    }
    this.#missed += 1;
    if (this.#missed < 2) return;
    clearInterval(this.#timer);
    this.#stuck();
  }
}
