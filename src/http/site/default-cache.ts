import type { FileCache } from '../../file/cache/file-cache.ts';
import { createFileCache } from '../../file/cache/owned-cache.ts';

/** Bytes of files that a process keeps if nobody says otherwise. */
const BUDGET_BYTES = 64 * 1024 ** 2;

let cache: FileCache | undefined;

/** The file cache of those who were given none: made when first needed, one for the process. */
export function defaultCache(): FileCache {
  cache ??= createFileCache({ budget: BUDGET_BYTES });
  return cache;
}
