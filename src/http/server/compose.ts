import type { FileCache } from '../../file/cache/file-cache.ts';
import type { Handler } from '../message/exchange.ts';
import { Absences } from '../site/missing-files.ts';
import { createSite } from '../site/site.ts';
import type { SiteOptions } from '../site/site-options.ts';
import { Chain } from './chain.ts';

/** What a server's content consists of. */
export interface ContentParts {
  /** Asked before all others. */
  readonly handler?: Handler | undefined;
  /** A directory, how its files are served, and the cache they are kept in. */
  readonly files?:
    | { readonly root: string; readonly site: SiteOptions; readonly cache: FileCache }
    | undefined;
  /** Asked for what no file answers. */
  readonly behind?: Handler | undefined;
}

/** The parts of a server's content as one handler. */
export function contentOf({ handler, files, behind }: ContentParts): Handler {
  const handlers: Handler[] = [];
  if (handler !== undefined) handlers.push(handler);
  if (files !== undefined) {
    const { root, site, cache } = files;
    const made = createSite(root, { fallthrough: behind !== undefined, ...site, cache });
    // The page of a single-page application depends on more than the path.
    handlers.push(behind === undefined || site.fallback !== undefined ? made : new Absences(made));
  }
  if (behind !== undefined) handlers.push(behind);
  const [only] = handlers;
  return only !== undefined && handlers.length === 1 ? only : new Chain(handlers);
}
