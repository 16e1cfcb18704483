import type { Primary } from './primary.ts';

/** The same signal by two ways (the terminal's process group, and a parent that passes it on) is one. */
const SAME_SIGNAL_MS = 100;

/** How a primary comes to its end: by a signal that lets responses finish, and a second one that does not. */
export class Shutdown {
  /** The exit code, when all is over. */
  readonly code: Promise<number>;
  readonly #primary: Primary;
  readonly #listeners: { close(): void };
  readonly #delay: () => number;
  #leaving: NodeJS.Timeout | undefined;
  #exitCode = 0;
  #firstSignal: number | undefined;
  #finish: (code: number) => void = () => {};

  /**
   * @param listeners closed as it begins
   * @param delay milliseconds between a first signal and that: asked when it comes
   */
  constructor(primary: Primary, listeners: { close(): void }, delay: () => number = () => 0) {
    this.#delay = delay;
    this.#primary = primary;
    this.#listeners = listeners;
    this.code = new Promise(resolve => {
      this.#finish = resolve;
    });
  }

  /** @param killedCode the exit code if it is the second signal */
  signalled(killedCode: number): void {
    const now = performance.now();
    this.#firstSignal ??= now;
    if (this.#firstSignal === now) return this.#leave();
    if (now - this.#firstSignal < SAME_SIGNAL_MS) return;
    if (this.#leaving !== undefined) this.begin(killedCode);
    this.#exitCode = killedCode;
    void this.#primary.close({ force: true });
  }

  /** @param code to exit with */
  begin(code: number): void {
    clearTimeout(this.#leaving);
    this.#leaving = undefined;
    this.#exitCode = code;
    this.#listeners.close();
    void this.#primary.close().then(() => this.#finish(this.#exitCode));
  }

  /** Who sends requests here is to hear of it before connections are refused. */
  #leave(): void {
    const delay = this.#delay();
    if (delay === 0) return this.begin(0);
    this.#primary.leave();
    this.#leaving = setTimeout(() => this.begin(0), delay);
  }
}
