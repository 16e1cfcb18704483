import { Deadlines, MAX_TIMEOUT_MS, TimedTask } from '../../../base/deadlines.ts';
import { checkInteger } from '../../../base/error.ts';

/** How long what is waited for at an origin may take, in milliseconds; 0 for no bound. */
export interface TimeLimits {
  /** To connect. Default 10 s. */
  readonly connectTimeout?: number | undefined;
  /** For the head of a response, since the origin took the last piece of the request. Default 60 s. */
  readonly headersTimeout?: number | undefined;
  /** Between two pieces of a body. Default 60 s. */
  readonly bodyTimeout?: number | undefined;
  /** Between two pieces of an event stream (text/event-stream). Default 0: it may be silent for hours. */
  readonly eventTimeout?: number | undefined;
}

/** The deadlines of all exchanges with an origin: undefined where there is no bound. */
export class ExchangeTimes {
  readonly head: Deadlines | undefined;
  readonly piece: Deadlines | undefined;
  readonly event: Deadlines | undefined;
  /** After which an exchange counts as one that stays open. */
  readonly long: Deadlines;

  /** @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
  constructor(limits: TimeLimits, longAfter: number) {
    this.head = deadlinesOf(limits, 'headersTimeout', 60_000);
    this.piece = deadlinesOf(limits, 'bodyTimeout', 60_000);
    this.event = deadlinesOf(limits, 'eventTimeout', 0);
    this.long = new Deadlines(longAfter);
  }

  /** Nothing is waited for any more. */
  end(): void {
    for (const deadlines of [this.head, this.piece, this.event, this.long]) deadlines?.end();
  }
}

/** What one exchange waits for just now, if it waits for anything. */
export class ExchangeWait extends TimedTask {
  readonly #missed: () => void;
  #deadlines: Deadlines | undefined;

  /** @param missed called when it took too long */
  constructor(missed: () => void) {
    super();
    this.#missed = missed;
  }

  /** Waits for something else, from now on. @param deadlines undefined: for as long as that takes */
  begin(deadlines: Deadlines | undefined): void {
    this.end();
    this.#deadlines = deadlines;
    deadlines?.set(this);
  }

  end(): void {
    this.#deadlines?.met(this);
  }

  missed(): void {
    this.#missed();
  }
}

function deadlinesOf(limits: TimeLimits, name: keyof TimeLimits, byDefault: number): Deadlines | undefined {
  const { [name]: span = byDefault } = limits;
  checkInteger(span, name, 0, MAX_TIMEOUT_MS);
  return span === 0 ? undefined : new Deadlines(span);
}
