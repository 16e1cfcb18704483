import type { PoolKind } from './pool-options.ts';

/** What has memory that nobody uses. */
interface IdleOwner {
  /** Gives back what nobody has used since the last call. @returns whether there is more, for a later call */
  giveBackUnused(): boolean;
  /** Gives back what is idle, until at most so many bytes are left. @returns how many bytes these were */
  trim(bytes: number, tries?: number): number;
}

/** How often it is asked for what was not used since the last time. */
const LOOK_MS = 2000;

/**
 * The pools of this thread that have idle memory beyond a remainder. One timer for all of them, which runs
 * only while there are some: to become idle costs a pool a look into this set, and to be used again nothing.
 */
class IdleMemory {
  readonly #owners = new Set<IdleOwner>();
  #timer: NodeJS.Timeout | undefined;

  /** Some of its memory has become idle. */
  add(owner: IdleOwner): void {
    this.#owners.add(owner);
    this.#timer ??= setTimeout(this.#look, LOOK_MS).unref();
  }

  remove(owner: IdleOwner): void {
    this.#owners.delete(owner);
  }

  /** Gives all of it back at once: memory is short. @returns how many bytes these were */
  trim(): number {
    let bytes = 0;
    for (const owner of this.#owners) bytes += owner.trim(0, Number.POSITIVE_INFINITY);
    return bytes;
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    for (const owner of [...this.#owners]) if (!owner.giveBackUnused()) this.#owners.delete(owner);
    if (this.#owners.size > 0) this.#timer = setTimeout(this.#look, LOOK_MS).unref();
  };
}

/** Of this thread. */
export const idleMemory = new IdleMemory();

/** Idle bytes kept mapped for reuse by a pool that has no limit. */
export const IDLE_BYTES = 64 * 1024 ** 2;
/** Idle bytes that a pool keeps however long nobody uses them; and the part of its limit. */
const KEPT_IDLE_BYTES = 2 * 1024 ** 2;
const KEPT_IDLE_PART = 1 / 32;

/**
 * Bytes of idle chunks that are kept though nobody asks for memory. A pool with a limit was given it to keep.
 */
export function mostIdleBytes(kind: PoolKind, limit: number): number {
  if (kind === 'seal') return 0;
  return limit === Number.POSITIVE_INFINITY ? IDLE_BYTES : Number.POSITIVE_INFINITY;
}

/** And those that are kept for ever: a pool with a limit is in the middle of much. */
export function keptIdleBytes(limit: number): number {
  if (limit === Number.POSITIVE_INFINITY) return KEPT_IDLE_BYTES;
  return Math.max(KEPT_IDLE_BYTES, limit * KEPT_IDLE_PART);
}
