/** Durations that are measured exactly: what a program does at once may be no small part of them. */
const LEAST_BOUND_MS = 100;

/** How far apart two looks at clocks may be to count as one, and how often it is tried. */
const CLOSE_MS = 0.002;
const MAX_TRIES = 100;

/** From performance.now(), which counts from the start of a process, to the machine's monotonic clock. */
const OFFSET_MS = offset();

/** Looks at both clocks until nothing comes between: processes are to agree on the time to microseconds. */
function offset(): number {
  let best = { width: Number.POSITIVE_INFINITY, offset: 0 };
  for (let tries = 0; tries < MAX_TRIES && best.width > CLOSE_MS; tries++) {
    const before = performance.now();
    const time = machineTime();
    const width = performance.now() - before;
    if (width < best.width) best = { width, offset: time - before - width / 2 };
  }
  return best.offset;
}

function machineTime(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Milliseconds of the machine's monotonic clock (CLOCK_MONOTONIC): the same in all processes. */
export function now(): number {
  return performance.now() + OFFSET_MS;
}

/**
 * A clock that costs nothing to read, for what is done a million times a second: it is looked at once for all
 * that a program does until it returns to Node.js (process.nextTick). So it lags as long as the program keeps
 * the event loop; and a process that was stopped (SIGSTOP, a debugger) has the right time with the first
 * thing that it hears of, as it would not with a timer.
 */
export class CoarseClock {
  #time = 0;
  #isRight = false;

  /**
   * As {@link now}. @param bound what the time is compared with, in milliseconds: small ones are measured
   * exactly
   */
  now(bound: number): number {
    if (bound < LEAST_BOUND_MS) return now();
    return this.#isRight ? this.#time : this.#look();
  }

  #look(): number {
    this.#time = now();
    this.#isRight = true;
    process.nextTick(this.#end);
    return this.#time;
  }

  readonly #end = (): void => {
    this.#isRight = false;
  };
}
