/** Files read once, shared by all. */

export { attachFileCache } from './attached-cache.ts';
export { File } from './file.ts';
export type { CacheStats, FileCache, ReadOptions, Snapshot } from './file-cache.ts';
export type { FileFlags } from './file-flags.ts';
export { type OpenFileOptions, openFile } from './open-file.ts';
export {
  createFileCache,
  type FileCacheOptions,
  type OwnedFileCache,
  type ServeOptions,
} from './owned-cache.ts';
export { createPolicy, type PolicyName } from './policies/index.ts';
export type { CacheEntry, CachePolicy } from './policy.ts';
