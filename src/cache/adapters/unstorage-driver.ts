import { Aggregate } from '../../aggregate/aggregate.ts';
import type { SharedCache } from '../shared-cache.ts';
import type { Cacheable } from '../value.ts';
import type { KeepOptions } from '../value-facts.ts';

/** What unstorage asks of a driver. */
export interface UnstorageDriver {
  /** What unstorage calls it. */
  readonly name: string;
  /** Whether there is a value, which is not fetched for that. */
  hasItem(key: string): Promise<boolean>;
  /** A value as text; null for none. Bytes are decoded as UTF-8. */
  getItem(key: string): Promise<string | null>;
  /** A value as it was set; null for none. Bytes are a Buffer of the caller's own. */
  getItemRaw(key: string): Promise<unknown>;
  /** Keeps text. @param options `ttl` in seconds, as the other drivers of unstorage have it */
  setItem(key: string, value: string, options?: { readonly ttl?: number }): Promise<void>;
  /** Keeps text, JSON or bytes. @param options as of {@link setItem} */
  setItemRaw(key: string, value: unknown, options?: { readonly ttl?: number }): Promise<void>;
  /** Forgets a value, if there is one. */
  removeItem(key: string): Promise<void>;
  /** The keys that there are now. @param base what they begin with */
  getKeys(base?: string): Promise<string[]>;
  /** Forgets all values. @param base what their keys begin with */
  clear(base?: string): Promise<void>;
}

/**
 * A shared cache as a driver of unstorage: `createStorage({ driver: unstorageDriver(cache) })`. Raw bytes are
 * given back as a Buffer, copied. The cache stays its maker's to close.
 */
export function unstorageDriver(cache: SharedCache): UnstorageDriver {
  const kept = async (key: string, value: unknown, ttl: number | undefined): Promise<void> => {
    const options: KeepOptions = ttl === undefined ? {} : { ttl: Math.ceil(ttl * 1000) };
    await cache.set(key, value as Cacheable, options);
  };
  const found = async (key: string): Promise<unknown> => {
    const value = await cache.get(key);
    if (!Aggregate.isAggregate(value)) return value ?? null;
    const bytes = value.toBuffer();
    value.release();
    return bytes;
  };
  return {
    name: 'iolite',
    hasItem: key => cache.has(key),
    getItem: async key => {
      const value = await found(key);
      if (value === null) return null;
      if (Buffer.isBuffer(value)) return value.toString();
      return typeof value === 'string' ? value : JSON.stringify(value);
    },
    getItemRaw: found,
    setItem: (key, value, { ttl } = {}) => kept(key, value, ttl),
    setItemRaw: (key, value, { ttl } = {}) => kept(key, value, ttl),
    removeItem: async key => void (await cache.delete(key)),
    getKeys: async base => (await cache.keys(base ?? '')).map(([key]) => key),
    clear: async base => void (await cache.invalidate({ prefix: base ?? '' })),
  };
}
