/**
 * Files read once, shared by all.
 * @packageDocumentation
 */

export { CacheSimulation, type SimulationOptions } from '../store/policies/cache-simulation.ts';
export { checkPolicy, type PolicyCheckOptions, type PolicyFault } from '../store/policies/check-policy.ts';
export { createPolicy, DEFAULT_POLICY, type PolicyName } from '../store/policies/index.ts';
export type { CacheEntry, CachePolicy } from '../store/policy.ts';
export {
  type AttachedFileCache,
  type AttachedStats,
  type AttachOptions,
  attachFileCache,
} from './cache/attached-cache.ts';
export type { CacheView, CacheViewOptions, LinkPolicy } from './cache/cache-view.ts';
export type {
  CacheStats,
  FileCache,
  PathMemo,
  ReadOptions,
  Snapshot,
  SnapshotOptions,
} from './cache/file-cache.ts';
export {
  createFileCache,
  type FileCacheOptions,
  type OwnedFileCache,
  type OwnedStats,
  type ServeOptions,
} from './cache/owned-cache.ts';
export type { WarmOptions, WarmProgress } from './cache/warm.ts';
export type { Coding } from './content/coding.ts';
export { File } from './open/file.ts';
export type { FileFlags } from './open/file-flags.ts';
export { type OpenFileOptions, openFile } from './open/open-file.ts';
