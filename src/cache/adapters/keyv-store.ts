import { EventEmitter } from 'node:events';
import { Aggregate } from '../../aggregate/aggregate.ts';
import type { SharedCache } from '../shared-cache.ts';
import type { Cacheable } from '../value.ts';

/** What Keyv asks of a store, and what `cache-manager` has through it. */
export interface KeyvStore extends EventEmitter {
  readonly opts: object;
  namespace?: string | undefined;
  get(key: string): Promise<unknown>;
  getMany(keys: string[]): Promise<unknown[]>;
  /** @param ttl milliseconds; 0 and undefined: for good */
  set(key: string, value: unknown, ttl?: number): Promise<boolean>;
  delete(key: string): Promise<boolean>;
  deleteMany(keys: string[]): Promise<boolean>;
  has(key: string): Promise<boolean>;
  /** All with its namespace; without one, all. */
  clear(): Promise<void>;
  iterator(namespace?: string): AsyncGenerator<[key: string, value: unknown]>;
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
