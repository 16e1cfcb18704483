const RESOLVED = Promise.resolve();

/**
 * When a channel's frames leave. Those that come of one event, acknowledgements included, leave together:
 * when everything that waited for promises has run, and before the next event. Answers that are given while
 * frames are delivered leave as soon as these are.
 */
export class FlushSchedule {
  readonly #flush: () => void;
  readonly #hasFrames: () => boolean;
  readonly #gather: boolean;
  #scheduled = false;
  #delivering = false;

  /**
   * @param flush writes what there is
   * @param hasFrames whether there are frames besides bare acknowledgements, which may still find company
   * @param gather whether the frames of all events of a turn of the event loop leave together
   */
  constructor(flush: () => void, hasFrames: () => boolean, gather = false) {
    this.#flush = flush;
    this.#hasFrames = hasFrames;
    this.#gather = gather;
  }

  /** There is something to be flushed. */
  request(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (this.#gather) setImmediate(this.#run);
    else if (!this.#delivering) this.#afterPromises();
  }

  /** Runs what delivers frames, which does not throw. */
  deliver(frames: () => void): void {
    const isAhead = this.#scheduled;
    this.#delivering = true;
    frames();
    this.#delivering = false;
    if (isAhead || !this.#scheduled || this.#gather) return;
    if (this.#hasFrames()) this.#run();
    else this.#afterPromises();
  }

  /** (queueMicrotask() would make an asynchronous resource each time.) */
  #afterPromises(): void {
    void RESOLVED.then(this.#nextTick);
  }

  readonly #nextTick = (): void => process.nextTick(this.#run);

  readonly #run = (): void => {
    this.#scheduled = false;
    this.#flush();
  };
}
