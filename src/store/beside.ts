import { createPool, type Pool } from '../aggregate/pool.ts';
import { IoliteError } from '../base/error.ts';
import type { Audience } from '../memory/audience.ts';

/** Bytes that are kept ready for contents. */
const IDLE_BYTES = 4 * 1024 ** 2;
/** Bytes from which on nothing more is given out: so many, and so many times the budget. */
const MIN_MOST_BYTES = 64 * 1024 ** 2;
const MOST_BUDGETS = 4;
const EVERY_CHUNK = Number.POSITIVE_INFINITY;

/**
 * Memory beside the budget of a store, for content that it has no room for: to be given out, and not kept.
 * One pool for each audience.
 */
export class Beside {
  readonly #model: Pool;
  readonly #pools = new Map<Audience, Pool>();

  /** @param model whose access list and kind of memory it has */
  constructor(model: Pool) {
    this.#model = model;
  }

  /** In bytes, what others hold included. */
  get bytes(): number {
    let bytes = 0;
    for (const { chunks } of this.#pools.values()) bytes += chunks.bytesMapped;
    return bytes;
  }

  pool(audience: Audience): Pool {
    let pool = this.#pools.get(audience);
    if (pool === undefined) {
      const { acl, memory } = this.#model.chunks;
      const list = acl === 'everyone' ? acl : { uids: acl.uids, gids: acl.gids, pids: acl.pids };
      pool = createPool({ name: 'uncached', acl: list, memory });
      this.#pools.set(audience, pool);
    }
    pool.chunks.trim(IDLE_BYTES);
    return pool;
  }

  /** Gives back what nobody holds. */
  trim(): void {
    for (const { chunks } of this.#pools.values()) chunks.trim(0, EVERY_CHUNK);
  }

  /** @throws ERR_IOLITE_LIMIT when what is held takes too much beside such a budget already */
  check(budget: number): void {
    const most = Math.max(MIN_MOST_BYTES, MOST_BUDGETS * budget);
    if (this.bytes < most) return;
    this.trim();
    if (this.bytes < most) return;
    throw new IoliteError(
      'ERR_IOLITE_LIMIT',
      `Cannot give out content: of what the budget of ${budget} bytes has no room for, ` +
        `${this.bytes} bytes are held already`,
    );
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.close();
    this.#pools.clear();
  }
}
