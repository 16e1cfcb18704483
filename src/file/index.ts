/** Files read once, shared by all. */

export { type AttachedFileCache, type AttachedStats, attachFileCache } from './attached-cache.ts';
export { CacheSimulation, type SimulationOptions } from './cache-simulation.ts';
export { File } from './file.ts';
export type { CacheStats, Coding, FileCache, ReadOptions, Snapshot, SnapshotOptions } from './file-cache.ts';
export type { FileFlags } from './file-flags.ts';
export { type OpenFileOptions, openFile } from './open-file.ts';
export {
  createFileCache,
  type FileCacheOptions,
  type OwnedFileCache,
  type OwnedStats,
  type ServeOptions,
} from './owned-cache.ts';
export { createPolicy, type PolicyName } from './policies/index.ts';
export type { CacheEntry, CachePolicy } from './policy.ts';
export type { WarmOptions, WarmProgress } from './warm.ts';
