import { EventEmitter } from 'node:events';
import { Aggregate } from '../../aggregate/aggregate.ts';
import type { SharedCache } from '../shared-cache.ts';
import type { Cacheable } from '../value.ts';

/** What Keyv asks of a store, and what `cache-manager` has through it. */
export interface KeyvStore extends EventEmitter {
  /** What Keyv reads of a store: of which dialect it is. */
  readonly opts: object;
  /** What Keyv puts before its keys, set by it; {@link clear} forgets no others. */
  namespace?: string | undefined;
  /** A value; undefined for none. Bytes are a Buffer of the caller's own, and there is nothing to release. */
  get(key: string): Promise<unknown>;
  /** Values in the order of their keys, undefined where there is none. */
  getMany(keys: string[]): Promise<unknown[]>;
  /**
   * Keeps a value; resolves when no process finds the one before.
   * @param ttl milliseconds; 0 and undefined: for good
   * @returns whether it is kept: not where there is no room
   */
  set(key: string, value: unknown, ttl?: number): Promise<boolean>;
  /** Forgets a value. @returns whether there was one */
  delete(key: string): Promise<boolean>;
  /** Forgets several at once. @returns whether there was any */
  deleteMany(keys: string[]): Promise<boolean>;
  /** Whether there is a value, which is not fetched for that. */
  has(key: string): Promise<boolean>;
  /** Forgets all with its namespace; without one, all. */
  clear(): Promise<void>;
  /** The keys that there are now, with their namespace, and each value when its turn comes. */
  iterator(namespace?: string): AsyncGenerator<[key: string, value: unknown]>;
  /** Does nothing: the cache is closed by whoever made it. */
  disconnect(): Promise<void>;
}

/**
 * A shared cache as a store of Keyv: `new Keyv({ store: keyvStore(cache) })`. Keyv's text is kept as text;
 * bytes come back as a Buffer, copied. The cache stays its maker's to close.
 */
export function keyvStore(cache: SharedCache): KeyvStore {
  return new Store(cache);
}

class Store extends EventEmitter implements KeyvStore {
  /** Keyv iterates over stores of the dialects that it knows, and no others. */
  readonly opts = { dialect: 'redis', url: '' };
  namespace: string | undefined;
  readonly #cache: SharedCache;

  constructor(cache: SharedCache) {
    super();
    this.#cache = cache;
  }

  async get(key: string): Promise<unknown> {
    return plain(await this.#cache.get(key));
  }

  getMany(keys: string[]): Promise<unknown[]> {
    return Promise.all(keys.map(key => this.get(key)));
  }

  set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    const isBounded = typeof ttl === 'number' && ttl > 0;
    return this.#cache.set(key, value as Cacheable, isBounded ? { ttl: Math.ceil(ttl) } : {});
  }

  delete(key: string): Promise<boolean> {
    return this.#cache.delete(key);
  }

  async deleteMany(keys: string[]): Promise<boolean> {
    return (await this.#cache.invalidate({ keys })) > 0;
  }

  has(key: string): Promise<boolean> {
    return this.#cache.has(key);
  }

  async clear(): Promise<void> {
    await this.#cache.invalidate({ prefix: prefixOf(this.namespace) });
  }

  async *iterator(namespace?: string): AsyncGenerator<[key: string, value: unknown]> {
    for (const [key] of await this.#cache.keys(prefixOf(namespace))) {
      const value = await this.get(key);
      if (value !== undefined) yield [key, value];
    }
  }

  async disconnect(): Promise<void> {}
}

/** As Keyv makes keys. */
function prefixOf(namespace: string | undefined): string {
  return namespace === undefined || namespace === '' ? '' : `${namespace}:`;
}

/** For who releases nothing. */
function plain(value: unknown): unknown {
  if (!Aggregate.isAggregate(value)) return value;
  const bytes = value.toBuffer();
  value.release();
  return bytes;
}
