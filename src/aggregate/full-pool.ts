import { IoliteError } from '../base/error.ts';
import type { Aggregate } from './aggregate.ts';
import type { Pool } from './pool.ts';

/** Bytes of a body that wait for room in a pool. */
export interface PoolWaiter {
  /** Bytes of the body that have found room so far. */
  readonly placedBytes: number;
  /** Tries again. @returns whether it waits no longer */
  tryAgain(): boolean;
  /** It waited in vain. */
  refuse(error: IoliteError): void;
}

/** How often it is looked whether there is room again: nobody tells what other domains release. */
const LOOK_MS = 25;
/** For so many looks nobody finds room before the first is refused, who has most: so others go on. */
const PATIENT_LOOKS = 80;

/**
 * Who waits for room in a pool that is full: first come those whose bodies have least of it. So whoever has
 * much, or holds it for long, waits behind those with small ones, however many these are.
 */
export class FullPool {
  readonly #waiters = new Set<PoolWaiter>();
  #looks = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Whether somebody may have room now, if there is some: nobody waits who has less. */
  admits(placedBytes: number): boolean {
    for (const waiter of this.#waiters) if (waiter.placedBytes <= placedBytes) return false;
    return true;
  }

  enter(waiter: PoolWaiter): void {
    this.#waiters.add(waiter);
    this.#timer ??= setTimeout(this.#look, LOOK_MS).unref();
  }

  leave(waiter: PoolWaiter): void {
    this.#waiters.delete(waiter);
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    const waiters = [...this.#waiters].sort((a, b) => a.placedBytes - b.placedBytes);
    const before = waiters.length;
    for (const waiter of waiters) {
      if (!waiter.tryAgain()) break;
      this.#waiters.delete(waiter);
    }
    this.#looks = this.#waiters.size < before ? 0 : this.#looks + 1;
    if (this.#looks > PATIENT_LOOKS) this.#refuse(waiters.at(-1) as PoolWaiter);
    if (this.#waiters.size > 0) this.#timer ??= setTimeout(this.#look, LOOK_MS).unref();
  };

  #refuse(waiter: PoolWaiter): void {
    this.#looks = 0;
    this.#waiters.delete(waiter);
    waiter.refuse(new IoliteError('ERR_IOLITE_LIMIT', 'Cannot read body: there is no room for it'));
  }
}

const fullPools = new WeakMap<Pool, FullPool>();

/** Those who wait for room in a pool. */
export function fullPoolOf(pool: Pool): FullPool {
  let full = fullPools.get(pool);
  if (full === undefined) {
    full = new FullPool();
    fullPools.set(pool, full);
  }
  return full;
}

/** Whether an allocation failed because the pool is full. */
export function isOfFullPool(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_IOLITE_LIMIT';
}

/**
 * A piece of a body, in the pool, once there is room.
 * @param bytes that nobody changes
 * @param placedBytes see {@link PoolWaiter}
 * @throws ERR_IOLITE_LIMIT when it waited in vain; what else Pool.from throws
 */
export async function placedIn(pool: Pool, bytes: Buffer, placedBytes: number): Promise<Aggregate> {
  const full = fullPoolOf(pool);
  if (full.admits(placedBytes)) {
    try {
      return pool.from(bytes);
    } catch (error) {
      if (!isOfFullPool(error)) throw error;
    }
  }
  return new Promise((resolve, reject) => {
    const tryAgain = (): boolean => {
      try {
        resolve(pool.from(bytes));
      } catch (error) {
        if (isOfFullPool(error)) return false;
        reject(error);
      }
      return true;
    };
    full.enter({ placedBytes, tryAgain, refuse: reject });
  });
}
