import type { LogPosition } from '../../store/log/invalidation-log.ts';
import type { Followers } from './followers.ts';
import type { LogMessage } from './log-message.ts';

/** With more that wait no more are read. */
const MAX_MESSAGES = 1024;

/** Carries out what the log says: all that is at hand at once, in the order of the log. */
export class LogWork {
  readonly #followers: Followers;
  readonly #done: (position: LogPosition) => void;
  #log = '';
  #waiting: { readonly sequence: number; readonly message: LogMessage | undefined }[] = [];
  #running: Promise<void> | undefined;

  /** @param done told up to where all is carried out */
  constructor(followers: Followers, done: (position: LogPosition) => void) {
    this.#followers = followers;
    this.#done = done;
  }

  /** Another log is read from here on: what waits of the one before is carried out with all else. */
  async restart(position: LogPosition): Promise<void> {
    this.#waiting = [];
    await this.#running;
    this.#log = position.log;
  }

  /** @returns a promise when there is enough for now */
  add(sequence: number, message: LogMessage | undefined): Promise<void> | undefined {
    this.#waiting.push({ sequence, message });
    this.#running ??= this.#run();
    return this.#waiting.length >= MAX_MESSAGES ? this.#running : undefined;
  }

  async #run(): Promise<void> {
    // Messages that came together are carried out together.
    await undefined;
    for (let some = this.#waiting; some.length > 0; some = this.#waiting) {
      this.#waiting = [];
      await Promise.all(some.map(({ message }) => this.#carryOut(message)));
      this.#done({ log: this.#log, sequence: some.at(-1)?.sequence as number });
    }
    this.#running = undefined;
  }

  async #carryOut(message: LogMessage | undefined): Promise<void> {
    // A newer iolite may say what this one does not know: then nothing is certain.
    if (message === undefined) await this.#followers.distrust();
    else if (message.kind === 'invalidate') await this.#followers.carryOut(message.topic, message.selector);
  }
}
