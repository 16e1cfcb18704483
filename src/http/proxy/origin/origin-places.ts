import { MAX_TIMEOUT_MS } from '../../../base/deadlines.ts';
import { checkInteger, IoliteError } from '../../../base/error.ts';
import { type Waiter, WaitQueue } from '../../../ipc/flow/wait-queue.ts';

/** How many requests are at the origin at a time, and how many wait for that and how long. */
export interface PlaceLimits {
  /** Requests at the origin that are answered soon: more wait. Default 256. */
  readonly connections?: number | undefined;
  /** Milliseconds that a request waits for its turn, 503 afterwards. Default 10,000. */
  readonly queueTimeout?: number | undefined;
  /** Requests that wait for their turn, 503 beyond. Default 1024. */
  readonly maxQueue?: number | undefined;
  /**
   * Exchanges that stay open, besides those: event streams, upgrades, and whatever takes longer than
   * `longAfter`. Default 4096.
   */
  readonly maxStreams?: number | undefined;
  /** Milliseconds after which an exchange counts as one that stays open. Default 3000. */
  readonly longAfter?: number | undefined;
}

/** Somebody who wants a place, and holds one until it leaves. */
export abstract class PlaceHolder implements Waiter<void> {
  /** {@link OriginPlaces}' to change. */
  place: 'none' | 'waiting' | 'short' | 'stream' = 'none';

  start(): void {
    this.place = 'short';
    this.begin();
  }

  refuse(reason: unknown): void {
    this.place = 'none';
    this.refused(reason);
  }

  /** It has a place. */
  protected abstract begin(): void;

  /** It gets none. */
  protected abstract refused(reason: unknown): void;
}

/** Between two messages about requests that are refused. */
const MESSAGE_INTERVAL_MS = 10_000;

/**
 * The places at an origin, of two kinds, so that what stays open for hours holds up nothing that is answered
 * at once. All that waits for one is answered in bounded time.
 *
 *     none    -> short    enter(), if one is free
 *     none    -> waiting  enter(), if none is
 *     waiting -> short    one becomes free
 *     waiting -> none     it takes too long: refused
 *     none    -> stream   enterStream(), if one is free
 *     short   -> stream   enterStream(), if one is free
 *     any     -> none     leave()
 */
export class OriginPlaces {
  readonly longAfter: number;
  readonly #connections: number;
  readonly #maxStreams: number;
  readonly #queue: WaitQueue<void>;
  readonly #complain: (message: string) => void;
  #short = 0;
  #streams = 0;
  #refused = 0;
  #complainedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param complain told that requests are refused, at most once in ten seconds
   * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
   */
  constructor(limits: PlaceLimits, complain: (message: string) => void) {
    const { connections = 256, queueTimeout = 10_000, maxQueue = 1024 } = limits;
    const { maxStreams = 4096, longAfter = 3000 } = limits;
    checkInteger(connections, 'connections', 1, 2 ** 20);
    checkInteger(queueTimeout, 'queueTimeout', 1, MAX_TIMEOUT_MS);
    checkInteger(maxQueue, 'maxQueue', 0, 2 ** 20);
    checkInteger(maxStreams, 'maxStreams', 0, 2 ** 20);
    checkInteger(longAfter, 'longAfter', 1, MAX_TIMEOUT_MS);
    this.#connections = connections;
    this.#maxStreams = maxStreams;
    this.longAfter = longAfter;
    this.#complain = complain;
    this.#queue = new WaitQueue(queueTimeout, maxQueue, () =>
      this.#refusal(`all ${connections} connections to the origin are in use`),
    );
  }

  /** Exchanges that stay open. */
  get streams(): number {
    return this.#streams;
  }

  /** Takes a place for a request that is answered soon, at once or in its turn. */
  enter(holder: PlaceHolder): void {
    if (this.#short >= this.#connections) {
      holder.place = 'waiting';
      this.#queue.enter(holder);
      return;
    }
    this.#short += 1;
    holder.start();
  }

  /**
   * Takes a place for what stays open, unless it has one: a stream of events is one as soon as it says so,
   * and has taken long later.
   * @returns whether there is one; otherwise nothing has changed
   */
  enterStream(holder: PlaceHolder): boolean {
    if (holder.place === 'stream') return true;
    if (this.#streams >= this.#maxStreams) return false;
    const { place } = holder;
    this.#streams += 1;
    holder.place = 'stream';
    if (place === 'short') this.#shortLeft();
    return true;
  }

  /** Gives the place back, or stops waiting for one. */
  leave(holder: PlaceHolder): void {
    const { place } = holder;
    holder.place = 'none';
    if (place === 'waiting') this.#queue.leave(holder);
    else if (place === 'stream') this.#streams -= 1;
    else if (place === 'short') this.#shortLeft();
  }

  /** Those who wait get none. */
  close(reason: unknown): void {
    this.#queue.refuseAll(reason);
  }

  /** The error of an exchange that would stay open, where there are too many already. */
  tooManyStreams(): Error {
    return this.#refusal(`${this.#maxStreams} streams are open already`);
  }

  #shortLeft(): void {
    this.#short -= 1;
    if (this.#queue.size === 0 || this.#short >= this.#connections) return;
    this.#short += 1;
    this.#queue.admit();
  }

  #refusal(why: string): Error {
    this.#refused += 1;
    const now = performance.now();
    if (now - this.#complainedAt >= MESSAGE_INTERVAL_MS) {
      this.#complainedAt = now;
      const requests = this.#refused === 1 ? 'A request was' : `${this.#refused} requests were`;
      this.#refused = 0;
      this.#complain(`${requests} answered with 503: ${why}`);
    }
    return new IoliteError('ERR_IOLITE_BUSY', `The origin is busy: ${why}`, { mayRetry: false });
  }
}
