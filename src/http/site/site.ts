import { resolve } from 'node:path';
import type { WaitSignal } from '../../base/abortable.ts';
import { ArgumentError, checkOptionNames, describe } from '../../base/error.ts';
import type { Answer, Handler, PendingAnswer, Recipient, ServerRequest } from '../message/exchange.ts';
import { tellSoon } from '../message/promised-answer.ts';
import { parseTarget, type RequestTarget } from '../message/request-target.ts';
import { redirectAnswer, statusAnswer } from '../message/status-answer.ts';
import { statusOf } from '../message/status-of-error.ts';
import { cleanPath, isPlainName, withoutSlash } from './clean-urls.ts';
import { DirectorySource } from './directory-source.ts';
import { FileAnswers } from './file-answers.ts';
import { listDirectory } from './listing.ts';
import { isPageRequest } from './page-request.ts';
import { type FoundFile, type OtherName, SiteFiles } from './site-files.ts';
import { type CreateSiteOptions, SITE_OPTION_NAMES, type SiteSettings, settingsOf } from './site-options.ts';
import type { SiteSource } from './site-source.ts';

const ALLOW = ['Allow', 'GET, HEAD, OPTIONS'];

/**
 * Creates a handler that answers requests with the files of a directory, from a file cache.
 * @param root the directory. It need not be there yet; it may be a symbolic link
 * @throws ERR_IOLITE_ARGUMENT
 */
export function createSite(root: string, options: CreateSiteOptions): StaticSite {
  if (typeof root !== 'string' || root === '' || root.includes('\0')) {
    throw new ArgumentError(`Cannot create site: a directory is wanted, ${describe(root)} was given`);
  }
  if (typeof options?.cache?.peek !== 'function') {
    throw new ArgumentError(
      `Cannot create site: options with a file cache are wanted, ${describe(options?.cache)} was given`,
    );
  }
  checkOptionNames(options, SITE_OPTION_NAMES, 'create site');
  const settings = settingsOf(options);
  const { cache, withholds } = options;
  return new StaticSite(new DirectorySource(resolve(root), cache, settings.symlinks, withholds), settings);
}

/**
 * The files of a directory over HTTP (RFC 9110, 9111, 9112), whoever parses the requests. See
 * {@link createSite}.
 */
export class StaticSite implements Handler {
  readonly letsRepeat = true;
  readonly #source: SiteSource;
  readonly #settings: SiteSettings;
  readonly #files: SiteFiles;
  readonly #answers: FileAnswers;

  constructor(source: SiteSource, settings: SiteSettings) {
    this.#source = source;
    this.#settings = settings;
    this.#files = new SiteFiles(source, settings);
    this.#answers = new FileAnswers(source.root, settings);
  }

  /** At once, within microseconds, for a file that is in the cache and was asked for a moment ago. */
  answer(request: ServerRequest, recipient: Recipient): PendingAnswer | undefined {
    const { method, target } = request;
    if (method === 'GET' || method === 'HEAD') {
      const found = isMountPoint(request)
        ? undefined
        : (this.#files.peek(target, request.notes) ?? this.#peekFirst(request));
      if (found === undefined) return tellSoon(recipient, wait => this.#getOrRefuse(request, wait));
      recipient.answered(this.#answers.answer(request, found), this.#files.repeatable(found));
    } else if (this.#settings.fallthrough) recipient.declined();
    else if (method === 'OPTIONS') recipient.answered({ status: 204, headers: ALLOW, body: undefined });
    else recipient.answered(statusAnswer(405, ALLOW));
    return undefined;
  }

  /** Answers with the page of the application; declines where there is none. */
  answerPage(request: ServerRequest, recipient: Recipient): PendingAnswer {
    return tellSoon(recipient, async wait => {
      const { fallback } = this.#settings;
      const page = fallback === undefined ? undefined : await this.#openPage(fallback, wait);
      return page === undefined ? undefined : this.#answers.answer(request, page);
    });
  }

  /** What a request names that was not asked for before, where all that is to be known of it is at hand. */
  #peekFirst(request: ServerRequest): FoundFile | undefined {
    const { earlyHints } = this.#settings;
    const target = parseTarget(request.target);
    if (typeof target === 'number' || this.#isHidden(target)) return undefined;
    if (request.method === 'GET' && earlyHints(target.path) !== undefined) return undefined;
    if (!isPlainName(target.path, this.#settings)) return undefined;
    return this.#files.peekFirst(request.target, target.path, request.notes);
  }

  async #getOrRefuse(request: ServerRequest, wait: WaitSignal): Promise<Answer | undefined> {
    try {
      return await this.#get(request, wait);
    } catch (error) {
      wait.throwIfAborted();
      return this.#refuse(request, statusOf(error, 'file'), wait);
    }
  }

  async #get(request: ServerRequest, wait: WaitSignal): Promise<Answer | undefined> {
    const { dotfiles, earlyHints } = this.#settings;
    const target = parseTarget(request.target);
    if (typeof target === 'number') return this.#refuse(request, target, wait);
    if (this.#isHidden(target)) {
      return this.#refuse(request, dotfiles === 'deny' ? 403 : 404, wait);
    }
    if (isMountPoint(request)) return this.#answerRoot(request, wait);
    const links = request.method === 'GET' ? earlyHints(target.path) : undefined;
    if (links !== undefined) request.earlyHints?.(links);
    const found = await this.#files.find(target.path, wait);
    if (found === 'directory') return this.#answerDirectory(request, target, wait);
    if (typeof found === 'string') return this.#redirect(request, wait, found);
    if (this.#settings.cleanUrls && cleanPath(target.path, this.#settings) !== target.path) {
      found.snapshot.release();
      return this.#redirect(request, wait, 'clean');
    }
    // What is remembered is answered at once, without hints.
    if (links === undefined) this.#files.remember(request.target, target.path, found);
    return this.#answers.answer(request, found);
  }

  /** What is named is what is mounted, without a slash: a directory, or a file. */
  async #answerRoot(request: ServerRequest, wait: WaitSignal): Promise<Answer | undefined> {
    let found: FoundFile;
    try {
      found = await this.#files.open('', wait);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EISDIR') throw error;
      return this.#redirect(request, wait);
    }
    return this.#answers.answer(request, found);
  }

  async #answerDirectory(
    request: ServerRequest,
    { path }: RequestTarget,
    wait: WaitSignal,
  ): Promise<Answer | undefined> {
    if (!path.endsWith('/')) return this.#redirect(request, wait);
    if (!this.#settings.listing) return this.#refuse(request, 404, wait);
    return listDirectory(this.#source, path, request, this.#settings);
  }

  #isHidden({ hidden, isWellKnown }: RequestTarget): boolean {
    const { dotfiles, wellKnown } = this.#settings;
    return hidden && dotfiles !== 'allow' && !(wellKnown && isWellKnown);
  }

  /** To the name of a directory with its slash, or to the path that a file is to be asked for by. */
  async #redirect(
    request: ServerRequest,
    wait: WaitSignal,
    how: OtherName | 'clean' = 'with slash',
  ): Promise<Answer | undefined> {
    const target = parseTarget(request.originalTarget ?? request.target);
    if (typeof target === 'number') return this.#refuse(request, target, wait);
    if (!this.#settings.redirect) return this.#refuse(request, 404, wait);
    const { rawPath, query } = target;
    if (how === 'with slash') return redirectAnswer(`${rawPath}/${encoded(query)}`);
    const path = how === 'clean' ? cleanPath(rawPath, this.#settings) : withoutSlash(rawPath);
    // A name that is written in another way cannot be cut: it is not there by that way.
    if (path === rawPath) return this.#refuse(request, 404, wait);
    return redirectAnswer(path + encoded(query));
  }

  /** There is no file for the request: the page of the application, an error page, or what others say. */
  async #refuse(request: ServerRequest, status: number, wait: WaitSignal): Promise<Answer | undefined> {
    const { fallback, fallthrough, errorPages } = this.#settings;
    if (status === 404 && fallback !== undefined && isPageRequest(request)) {
      const page = await this.#openPage(fallback, wait);
      if (page !== undefined) return this.#answers.answer(request, page);
    }
    if (fallthrough && status < 500) return undefined;
    const name = errorPages[status];
    const page = name === undefined ? undefined : await this.#openPage(name, wait);
    if (page === undefined) return statusAnswer(status);
    return this.#answers.answerError(request, page, status);
  }

  /**
   * A page of the site's own. @returns undefined when it cannot be had: it is not what the client asked for
   */
  async #openPage(name: string, wait: WaitSignal): Promise<FoundFile | undefined> {
    try {
      return await this.#files.open(name.startsWith('/') ? name : `/${name}`, wait);
    } catch {
      wait.throwIfAborted();
      return undefined;
    }
  }
}

/** A query as it may be in a URI (RFC 3986, 3.4): what else was sent, byte by byte, is encoded. */
function encoded(query: string): string {
  return query.replace(
    /[^\x21-\x7e]|["<>\\^`{|}]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** What names a file, as it was sent: without the query. */
function nameOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}

/**
 * Whether the request names where the site is mounted, without a slash at its end: the site sees '/' all the
 * same.
 */
function isMountPoint({ target, originalTarget }: ServerRequest): boolean {
  return originalTarget !== undefined && nameOf(target) === '/' && !nameOf(originalTarget).endsWith('/');
}
