import type { CacheViewOptions } from '../../file/cache/cache-view.ts';
import type { Answer, Handler, ServerRequest } from '../message/exchange.ts';
import { CONTENT_FIELDS, type HeaderList, namesOf, without } from '../message/header-list.ts';
import { answerOf } from '../message/promised-answer.ts';
import { parseTarget } from '../message/request-target.ts';
import { statusAnswer } from '../message/status-answer.ts';
import { createSite } from '../site/site.ts';
import type { CreateSiteOptions } from '../site/site-options.ts';
import { urlPathOf } from './cgi-environment.ts';
import type { CgiHead } from './cgi-head.ts';
import { LocalRequest } from './local-request.ts';

/** Of the file, not of what a program says in its place. */
const OF_FILE = new Set([
  'content-length',
  'content-encoding',
  'content-range',
  'accept-ranges',
  'etag',
  'last-modified',
]);

/** The files of a site that a program may have sent in place of a body (X-Accel-Redirect, X-Sendfile). */
export class SentFiles {
  readonly #view: CacheViewOptions;
  readonly #site: Handler;

  /**
   * @param view what it may have, which is what an application of the site may read
   * @param options of the site: each file is sent as it is named there, from the one copy in the cache
   * @throws ERR_IOLITE_ARGUMENT
   */
  constructor(view: CacheViewOptions, options: CreateSiteOptions) {
    const { fallback: _, index: __, extensions: ___, ...site } = options;
    const asNamed = { index: false, extensions: false, cleanUrls: false, redirect: false } as const;
    const bare = { listing: false, errorPages: {}, fallthrough: false } as const;
    this.#view = view;
    this.#site = createSite(view.root, { ...site, ...asNamed, ...bare });
  }

  /** @returns 403 for what it may not have, 404 for what is not there; with the program's fields otherwise */
  async answer(
    request: ServerRequest,
    { path, isOfDisk }: NonNullable<CgiHead['file']>,
    fields: HeaderList,
    signal: AbortSignal,
  ): Promise<Answer> {
    const target = isOfDisk ? this.#targetOf(path) : path;
    const named = target === undefined ? 400 : parseTarget(target);
    if (typeof named === 'number' || this.#view.linksAt(named.path) === undefined) return statusAnswer(403);
    const asked = new LocalRequest(request, named.rawPath);
    const answer = await answerOf(this.#site, asked, signal);
    return answer === undefined ? statusAnswer(404) : dressed(answer, fields);
  }

  /** The path in the site of a path of the disk. */
  #targetOf(path: string): string | undefined {
    const { root } = this.#view;
    const prefix = root.endsWith('/') ? root : `${root}/`;
    const decoded = Buffer.from(path, 'latin1').toString();
    return decoded.startsWith(prefix) ? urlPathOf(decoded.slice(prefix.length - 1)) : undefined;
  }
}

/** What the program says goes before what is said of the file. */
function dressed(answer: Answer, fields: HeaderList): Answer {
  const { status, headers, body, file } = answer;
  const isContent = status === 200 || status === 206;
  const said = without(fields, isContent ? OF_FILE : new Set([...OF_FILE, ...CONTENT_FIELDS]));
  return { status, headers: [...without(headers, namesOf(said)), ...said], body, file };
}
