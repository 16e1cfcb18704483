import type { FileCache } from '../../file/cache/file-cache.ts';
import type { Handler } from '../message/exchange.ts';
import { statusAnswer } from '../message/status-answer.ts';
import { MissingFiles } from '../site/missing-files.ts';
import { createSite } from '../site/site.ts';
import type { SiteOptions } from '../site/site-options.ts';
import { Chain } from './chain.ts';

/** What a server's content consists of. */
export interface ContentParts {
  /** Asked before all others, in this order. */
  readonly first?: readonly Handler[];
  /** A directory, how its files are served, and the cache they are kept in. */
  readonly files?:
    | { readonly root: string; readonly site: SiteOptions; readonly cache: FileCache }
    | undefined;
  /** Asked for what no file answers. */
  readonly behind?: Handler | undefined;
}

/** What a server says to requests that nobody else answers. */
const NOT_FOUND: Handler = {
  answer: (_, recipient) => {
    recipient.answered(statusAnswer(404));
    return undefined;
  },
};

/** The parts of a server's content as one handler, which declines nothing. */
export function composeContent({ first = [], files, behind }: ContentParts): Handler {
  const handlers = [...first];
  if (files !== undefined) {
    const { root, site, cache } = files;
    const made = createSite(root, { fallthrough: behind !== undefined, ...site, cache });
    // The page of a single-page application depends on more than the path.
    handlers.push(behind === undefined || site.fallback !== undefined ? made : new MissingFiles(made));
  }
  if (behind !== undefined) handlers.push(behind);
  return new Chain([...handlers, NOT_FOUND]);
}
