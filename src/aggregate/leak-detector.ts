import { ArgumentError, describe } from '../base/error.ts';

/**
 * Finds aggregates that were garbage-collected without having been released: their memory came back late,
 * when the collector ran, instead of when it was no longer used.
 */

/**
 * 'off' (default), 'sampled': one aggregate in 64 is watched, 'full': each is; that costs microseconds each.
 */
export type LeakDetection = 'off' | 'sampled' | 'full';

/** An aggregate that was collected and never released. */
export interface Leak {
  /** Bytes it held when it was first filled. */
  readonly bytes: number;
  /** Where it was made, as in Error.stack. */
  readonly stack: string;
}

/** Of so many aggregates one is watched when detection is sampled. */
const SAMPLE_AGGREGATES = 64;

class LeakDetector {
  readonly #every: number;
  readonly #onLeak: (leak: Leak) => void;
  readonly #watched = new WeakSet<object>();
  readonly #collected = new FinalizationRegistry<Leak>(leak => this.#onLeak(leak));
  #count = 0;

  constructor(every: number, onLeak: (leak: Leak) => void) {
    this.#every = every;
    this.#onLeak = onLeak;
  }

  /** The aggregate holds bytes now. */
  filled(aggregate: object, bytes: number): void {
    if (this.#watched.has(aggregate)) return;
    this.#watched.add(aggregate);
    this.#count += 1;
    if (this.#count % this.#every !== 0) return;
    const { stack = '' } = new Error('Aggregate made here');
    this.#collected.register(aggregate, { bytes, stack }, aggregate);
  }

  released(aggregate: object): void {
    this.#collected.unregister(aggregate);
  }
}

/** The detector in use; undefined when off, so that off costs a comparison. */
export let leakDetector: LeakDetector | undefined;

/**
 * Turns leak detection on or off, for aggregates made from now on. The environment's
 * IOLITE_LEAK_DETECTION=sampled or =full turns it on from the start.
 * @param onLeak is called for each leak that the collector shows; default: a process warning of the name
 * IoliteLeakWarning
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { setImmediate } from 'node:timers/promises';
 * import { createPool, type Leak, setLeakDetection } from 'iolite';
 *
 * const leaks: Leak[] = [];
 * setLeakDetection('full', leak => leaks.push(leak));
 * createPool().from('forgotten'); // and never released
 * while (leaks.length === 0) {
 *   globalThis.gc?.(); // node --expose-gc, not to wait for the collector
 *   await setImmediate();
 * }
 * assert.equal(leaks[0]?.bytes, 9);
 * assert.match(leaks[0]?.stack ?? '', /example/); // the file where it was made
 * ```
 */
export function setLeakDetection(detection: LeakDetection, onLeak: (leak: Leak) => void = warn): void {
  if (detection !== 'off' && detection !== 'sampled' && detection !== 'full') {
    throw new ArgumentError(
      `Cannot set leak detection: 'off', 'sampled' or 'full' is wanted, ${describe(detection)} was given`,
    );
  }
  if (typeof onLeak !== 'function') {
    throw new ArgumentError(`Cannot set leak detection: a function is wanted, ${describe(onLeak)} was given`);
  }
  if (detection === 'off') leakDetector = undefined;
  else leakDetector = new LeakDetector(detection === 'full' ? 1 : SAMPLE_AGGREGATES, onLeak);
}

function warn({ bytes, stack }: Leak): void {
  process.emitWarning(`An aggregate of ${bytes} bytes was collected and never released`, {
    type: 'IoliteLeakWarning',
    detail: stack,
  });
}

const { IOLITE_LEAK_DETECTION: wanted } = process.env;
if (wanted === 'sampled' || wanted === 'full') setLeakDetection(wanted);
