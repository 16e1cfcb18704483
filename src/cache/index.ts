/**
 * One cache in memory for all processes of a user on a machine.
 * @packageDocumentation
 */

export type {
  InvalidationLog,
  LogFollower,
  LogPosition,
  LogSelector,
} from '../store/log/invalidation-log.ts';
export { type KeyvStore, keyvStore } from './adapters/keyv-store.ts';
export {
  type NextCacheContext,
  type NextCacheControl,
  type NextCacheEntry,
  type NextCacheHandler,
  type NextCacheHandlerContext,
  nextCacheHandler,
} from './adapters/next/cache-handler.ts';
export type { NextValue } from './adapters/next/next-value.ts';
export {
  type UseCacheEntry,
  type UseCacheHandler,
  useCacheHandler,
} from './adapters/next/use-cache-handler.ts';
export { SharedLRUCache, type SharedLRUCacheOptions } from './adapters/shared-lru-cache.ts';
export { type UnstorageDriver, unstorageDriver } from './adapters/unstorage-driver.ts';
export type { KeeperStats, KeptKey } from './keeper.ts';
export type { Maker } from './make-value.ts';
export type { Selector } from './selector.ts';
export { type SharedCache, sharedCache } from './shared-cache.ts';
export type {
  GetOptions,
  GetOrSetOptions,
  MakeContext,
  SharedCacheOptions,
  SharedCacheStats,
} from './shared-cache-options.ts';
export { type SharedFileCache, type SharedFileCacheOptions, sharedFileCache } from './shared-file-cache.ts';
export type { Cacheable, CachedValue } from './value.ts';
export type { KeepOptions } from './value-facts.ts';
