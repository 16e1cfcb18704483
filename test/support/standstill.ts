import assert from 'node:assert/strict';
import { closeSync, openSync, readSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';

/** How long the event loop of an endpoint may stand still, whatever its peers do. */
const STANDSTILL_MS = 100;
/** How long the yardstick takes on a machine for which that is meant. */
const YARDSTICK_MS = 30;

/** How often an attack is made before it counts that the loop stands still. */
const ATTACKS = 3;

/**
 * Sees that an event loop never stands still under an attack. What it does not do the second time, or the
 * third, was the machine's doing and not the attacker's.
 * @param attack gives how long it stood still
 */
export async function standsUp(name: string, attack: () => Promise<number>): Promise<void> {
  const found: string[] = [];
  for (;;) {
    const longest = await attack();
    const bound = standstillBound();
    if (longest < bound) return;
    found.push(`${longest.toFixed()} of ${bound.toFixed()}`);
    assert.ok(found.length < ATTACKS, `${name}: ${found.join(', ')} ms`);
  }
}

/**
 * How long a loop may stand still on this machine as it is now: what else runs on it takes of its caches, and
 * may be the other half of its processors. In milliseconds.
 */
function standstillBound(): number {
  using standstill = new Standstill();
  const text = JSON.stringify(Array.from({ length: 20_000 }, (_, i) => ({ [`k${i}`]: `v${i}` })));
  assert.equal(JSON.parse(text).length, 20_000);
  return STANDSTILL_MS * Math.max(1, standstill.take() / YARDSTICK_MS);
}

/**
 * Watches how long the event loop of this thread stands still: what counts is its own work, and calls in
 * which it slept. Time that the thread spent in the queue for a processor does not, and the kernel says how
 * much that was (schedstat, proc(5)). So other programs on the machine make no difference, but for what they
 * leave of its caches.
 */
export class Standstill implements Disposable {
  readonly #timer: NodeJS.Timeout;
  /** Of this thread: nanoseconds on a processor, nanoseconds of waiting for one, and how often it had one. */
  readonly #schedstat = openSync('/proc/thread-self/schedstat', 'r');
  readonly #text = Buffer.alloc(128);
  #looked = performance.now();
  #queued = this.#queuedMs();
  #longest = 0;

  constructor() {
    this.#timer = setInterval(() => this.#look(), 1).unref();
  }

  /** The longest time in milliseconds that it stood still, since this was asked last. */
  take(): number {
    this.#look();
    const longest = this.#longest;
    this.#longest = 0;
    return longest;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    closeSync(this.#schedstat);
  }

  #look(): void {
    const [now, queued] = [performance.now(), this.#queuedMs()];
    this.#longest = Math.max(this.#longest, now - this.#looked - (queued - this.#queued));
    this.#looked = now;
    this.#queued = queued;
  }

  #queuedMs(): number {
    const length = readSync(this.#schedstat, this.#text, 0, this.#text.length, 0);
    return Number(this.#text.toString('latin1', 0, length).split(' ')[1]) / 1e6;
  }
}

/** How long the event loop of this thread stands still while something goes on: the longest time. */
export async function longestStandstill(during: () => Promise<void>): Promise<number> {
  using standstill = new Standstill();
  await during();
  await setImmediate();
  return standstill.take();
}

/**
 * A test of what a hostile peer does to a loop that it shares with us, which must not stand still: what takes
 * long for the peer is prepared before. It may run several times.
 */
export function hostileTest(name: string, attack: () => Promise<void>): void {
  test(name, () => standsUp(name, () => longestStandstill(attack)));
}
