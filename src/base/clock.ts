/** Time between two looks at the system's clock while a {@link CoarseClock} is in use. */
const TICK_MS = 5;
/** Durations of which a tick is a small part. */
const LEAST_BOUND_MS = 20 * TICK_MS;

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
 * A clock that costs nothing to read, for what is done a million times a second: it lags by up to 5
 * milliseconds, and as long as the program keeps the event loop. It stops when nobody reads it.
 */
export class CoarseClock {
  #time = 0;
  #used = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * As {@link now}. @param bound what the time is compared with, in milliseconds: small ones are measured
   * exactly
   */
  now(bound: number): number {
    if (bound < LEAST_BOUND_MS) return now();
    this.#used = true;
    return this.#timer === undefined ? this.#start() : this.#time;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #start(): number {
    this.#time = now();
    this.#timer = setInterval(() => {
      if (!this.#used) this.stop();
      this.#used = false;
      this.#time = now();
    }, TICK_MS).unref();
    return this.#time;
  }
}
