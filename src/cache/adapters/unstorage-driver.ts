import { Aggregate } from '../../aggregate/aggregate.ts';
import type { SharedCache } from '../shared-cache.ts';
import type { Cacheable } from '../value.ts';
import type { KeepOptions } from '../value-facts.ts';

/** What unstorage asks of a driver. */
export interface UnstorageDriver {
  readonly name: string;
  hasItem(key: string): Promise<boolean>;
  getItem(key: string): Promise<string | null>;
  getItemRaw(key: string): Promise<unknown>;
  setItem(key: string, value: string, options?: { readonly ttl?: number }): Promise<void>;
  setItemRaw(key: string, value: unknown, options?: { readonly ttl?: number }): Promise<void>;
  removeItem(key: string): Promise<void>;
  getKeys(base?: string): Promise<string[]>;
  clear(base?: string): Promise<void>;
}

/**
 * A shared cache as a driver of unstorage: `createStorage({ driver: unstorageDriver(cache) })`. Raw bytes are
 * given back as a Buffer, copied. The cache stays its maker's to close.
 * @param options `ttl` is in seconds where unstorage's users say it, as its other drivers have it
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
