import { isAbsolute, join } from 'node:path';
import { StatusError } from '../http/message/status-error.ts';
import { isGone } from '../http/node/node-response.ts';
import { type ChosenFile, chosenFiles } from '../http/site/chosen-files.ts';
import type { FoundFile } from '../http/site/site-files.ts';
import type { Reply, Request } from './framework.ts';
import { type ListOptions, namesList, sendList } from './listing.ts';
import { type FastifyStaticOptions, type ReplyFileOptions, rootsOf } from './options.ts';
import { isCanonical, withSlash } from './paths.ts';
import { replyWith } from './reply-file.ts';

/** What a path is looked for with. */
interface Search {
  readonly request: Request;
  readonly reply: Reply;
  readonly path: string;
  /** Undefined: the path says all. */
  readonly root: string | undefined;
  readonly options: ReplyFileOptions;
}

/** The files of one registration of the plugin. */
export class StaticFiles {
  readonly #options: FastifyStaticOptions;
  readonly #list: ListOptions | undefined;
  readonly #prefix: string;
  readonly #roots: readonly string[] | undefined;

  /** @param roots absolute; undefined where there is none */
  constructor(options: FastifyStaticOptions, roots: readonly string[] | undefined, prefix: string) {
    this.#options = options;
    this.#list = options.list === true ? {} : options.list || undefined;
    this.#prefix = prefix;
    this.#roots = roots;
  }

  /**
   * Answers with what a path names in the first of the roots that has it. Errors go to the error handler.
   * @param path decoded
   * @param said for this reply alone
   */
  async reply(request: Request, reply: Reply, path: string, said: ReplyFileOptions = {}): Promise<void> {
    try {
      if (!isCanonical(path)) throw new StatusError(403);
      const roots = rootsOf(said.root) ?? this.#roots;
      const options = { ...this.#options, ...said };
      if (roots === undefined && !isAbsolute(path)) {
        reply.callNotFound();
        return;
      }
      for (const root of roots ?? [undefined]) {
        if (await this.#answers({ request, reply, path, root, options })) return;
      }
      reply.callNotFound();
    } catch (error) {
      if (!isGone(reply.raw)) reply.send(error);
    }
  }

  /** @returns whether this root has an answer, be it that there is none for this path */
  async #answers(search: Search): Promise<boolean> {
    const { reply, path } = search;
    if (!this.#allows(search, path)) {
      reply.callNotFound();
      return true;
    }
    const found = await find(search, path);
    if ('snapshot' in found) return this.#send(search, found);
    if ('directory' in found) return this.#answersDirectory(search);
    const { status, cause } = found;
    if (status !== 404) throw new StatusError(status, [], cause);
    return this.#list !== undefined && namesList(path, this.#list) && this.#lists(search);
  }

  async #answersDirectory(search: Search): Promise<boolean> {
    const { request, reply, path } = search;
    if (this.#list !== undefined) return this.#lists(search);
    if (path.endsWith('/')) return false;
    if (this.#options.redirect === true) {
      reply.redirect(withSlash(request.raw.url ?? '/'), 301);
      return true;
    }
    if (!this.#allows(search, `${path}/`)) return false;
    const found = await find(search, `${path}/`);
    return 'snapshot' in found && this.#send(search, found);
  }

  async #send(search: Search, found: FoundFile): Promise<boolean> {
    const { request, reply, path, options } = search;
    const { snapshot } = found;
    try {
      // Said as it was asked for: below the root, or from it.
      const final = path.startsWith('/') ? found.path : found.path.slice(1);
      if (final !== path && !this.#allows(search, final)) {
        reply.callNotFound();
        snapshot.release();
        return true;
      }
      const { size, mtimeMs } = snapshot;
      const name = join(search.root ?? '', found.path);
      await options.onFile?.(name, { path: name, size, mtimeMs, mtime: new Date(mtimeMs) });
    } catch (error) {
      snapshot.release();
      throw error;
    }
    const { setHeaders } = this.#options;
    const saying = { setHeaders, contentType: options.contentType, varies: options.preCompressed };
    await replyWith({ request, reply }, filesOf(search), found, saying);
    return true;
  }

  async #lists({ reply, path, root, options }: Search): Promise<boolean> {
    if (this.#list === undefined || root === undefined) return false;
    const route = path.endsWith('/') || !namesList(path, this.#list) ? path : join(path, '..');
    const hidesDots = options.dotfiles === 'deny' || options.dotfiles === 'ignore';
    const place = { directory: join(root, route), route: path, prefix: this.#prefix, hidesDots };
    await sendList(reply, this.#list, place);
    return true;
  }

  #allows({ request, root }: Search, path: string): boolean {
    const { allowedPath } = this.#options;
    return allowedPath === undefined || allowedPath(path, root, request);
  }
}

/** As @fastify/static has it: what begins with a dot is served unless it is said otherwise. */
function filesOf({ root, options }: Search): ReturnType<typeof chosenFiles> {
  const { preCompressed, dotfiles = 'allow', symlinks = root === undefined ? 'follow' : 'inside' } = options;
  const { encodings = preCompressed ?? true } = options;
  return chosenFiles({ ...options, root, dotfiles, encodings, symlinks });
}

async function find(search: Search, path: string): Promise<ChosenFile> {
  const giving = new AbortController();
  const giveUp = (): void => giving.abort();
  const { raw } = search.reply;
  raw.once('close', giveUp);
  try {
    return await filesOf(search).find(path, giving.signal);
  } finally {
    raw.off('close', giveUp);
  }
}
