import { checkInteger } from '../../base/error.ts';

const US_PER_MS = 1000;
const MAX_SPAN_US = 1_000_000;

/**
 * Keeps the event loop from sleeping for a while after each activity: what comes meanwhile is seen without
 * the kernel having to wake the process. Costs a processor for as long as it lasts.
 */
export class BusyPoll {
  /** Milliseconds. */
  readonly #span: number;
  #until = 0;
  #polls = false;
  #ended = false;

  /** @param span microseconds after an activity. @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
  constructor(span = 0) {
    checkBusyPoll(span);
    this.#span = span / US_PER_MS;
  }

  /** Something was sent or received. */
  active(): void {
    if (this.#span === 0 || this.#ended) return;
    this.#until = performance.now() + this.#span;
    if (this.#polls) return;
    this.#polls = true;
    setImmediate(this.#poll);
  }

  end(): void {
    this.#ended = true;
  }

  /** An immediate that sets the next: the loop looks for events in between and does not wait for them. */
  readonly #poll = (): void => {
    if (this.#ended || performance.now() > this.#until) this.#polls = false;
    else setImmediate(this.#poll);
  };
}

/** Throws ERR_IOLITE_ARGUMENT or ERR_IOLITE_RANGE unless it is a span to poll for, in microseconds. */
export function checkBusyPoll(span: unknown = 0): void {
  checkInteger(span, 'busyPoll', 0, MAX_SPAN_US);
}
