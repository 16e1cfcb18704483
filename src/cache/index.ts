/** One cache in memory for all processes of a machine. */
export type { KeeperStats, KeptKey } from './keeper.ts';
export type { Selector } from './selector.ts';
export {
  type GetOptions,
  type GetOrSetOptions,
  type MakeContext,
  type SharedCache,
  type SharedCacheOptions,
  type SharedCacheStats,
  sharedCache,
} from './shared-cache.ts';
export type { Cacheable, CachedValue } from './value.ts';
export type { KeepOptions } from './value-facts.ts';
