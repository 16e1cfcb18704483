import type { FileCache } from '../../file/cache/file-cache.ts';
import { createFileCache } from '../../file/cache/owned-cache.ts';
import { defaultBudget } from '../../store/governor/default-budget.ts';

/** Most bytes of files that a process keeps if nobody says otherwise: it is there for something else. */
const MOST_BYTES = 64 * 1024 ** 2;

let cache: FileCache | undefined;

/** The file cache of those who were given none: made when first needed, one for the process. */
export function defaultCache(): FileCache {
  cache ??= createFileCache({ budget: defaultBudget({ most: MOST_BYTES }) });
  return cache;
}
