import { realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { RecentMap } from '../../base/recent-map.ts';
import { isInside } from '../../file/cache/load.ts';
import { parseTarget } from '../message/request-target.ts';
import type { CgiScript } from './cgi-environment.ts';

/** Which scripts there are, and which paths mean them. */
export interface ScriptOptions {
  /** The directory of the scripts. */
  readonly root: string;
  /** The script of a directory. Default index.php. */
  readonly index?: string | undefined;
  /** The script that answers where a path names none, from the root: a front controller. Default none. */
  readonly script?: string | undefined;
  /**
   * Tells a script's path from what follows it, in two groups: what the first means is a script, and is never
   * sent as a file. Default `^(.+?\.php)(/.*)?$`.
   */
  readonly split?: string | undefined;
}

const DEFAULT_SPLIT = '^(.+?\\.php)(/.*)?$';
/** How long a script is taken to be where it was seen. */
const SEEN_MS = 1000;
const MAX_SCRIPTS = 4096;

interface Seen {
  readonly file: string | undefined;
  readonly until: number;
}

/** What is wrong with a pattern for {@link ScriptOptions.split}, for people; undefined when nothing is. */
export function troubleOfSplit(split: string): string | undefined {
  try {
    const groups = new RegExp(`${split}|`).exec('')?.length ?? 0;
    if (groups === 3) return undefined;
    return `two groups are wanted, the script's path and what follows it; ${groups - 1} were given`;
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * Finds the script that a request means. What is found is a file, and lies in the root, whatever links lead
 * to it: so a path like /uploads/picture.jpg/x.php runs nothing, whatever PHP makes of paths.
 */
export class ScriptFinder {
  readonly #root: string;
  readonly #index: string;
  readonly #script: string | undefined;
  readonly #split: RegExp;
  readonly #seen = new RecentMap<string, Seen>(MAX_SCRIPTS);

  constructor({ root, index = 'index.php', script, split = DEFAULT_SPLIT }: ScriptOptions) {
    this.#root = resolve(root);
    this.#index = index;
    this.#script = script?.replace(/^\/+/, '');
    this.#split = new RegExp(split);
  }

  /** Whether a path from the root is one of a script, in whatever directory: its text is not to be sent. */
  readonly isScript = (path: string): boolean => {
    const isWhole = (each: string): boolean => this.#splitOf(each)?.[1] === '';
    return isWhole(path) || isWhole(path.slice(path.lastIndexOf('/')));
  };

  /** @returns undefined where there is none. @param target as of a request */
  async find(target: string): Promise<CgiScript | undefined> {
    const named = parseTarget(target);
    if (typeof named === 'number' || (named.hidden && !named.isWellKnown)) return undefined;
    const path = named.path.endsWith('/') ? named.path + this.#index : named.path;
    let [name, rest] = ['', path];
    for (let parts = this.#splitOf(rest); parts !== undefined; parts = this.#splitOf(rest)) {
      [name, rest] = [name + parts[0], parts[1]];
      const found = await this.#scriptAt(name, rest);
      if (found !== undefined) return found;
    }
    return this.#script === undefined ? undefined : this.#scriptAt(`/${this.#script}`, named.path);
  }

  /** The first script that a path may mean, and what follows. A pattern may want a slash behind it. */
  #splitOf(path: string): [name: string, rest: string] | undefined {
    const [, name, rest = ''] = this.#split.exec(path) ?? [];
    if (name !== undefined && name !== '') return [name, rest];
    const [, bare = '', slash] = this.#split.exec(`${path}/`) ?? [];
    return bare !== '' && slash === '/' ? [bare, ''] : undefined;
  }

  async #scriptAt(name: string, pathInfo: string): Promise<CgiScript | undefined> {
    const file = await this.#fileAt(name);
    return file === undefined ? undefined : { file, root: this.#root, name, pathInfo };
  }

  async #fileAt(name: string): Promise<string | undefined> {
    const seen = this.#seen.get(name);
    if (seen !== undefined && seen.until > performance.now()) return seen.file;
    const file = await this.#lookAt(name);
    this.#seen.set(name, { file, until: performance.now() + SEEN_MS });
    return file;
  }

  async #lookAt(name: string): Promise<string | undefined> {
    try {
      const [root, file] = await Promise.all([realpath(this.#root), realpath(join(this.#root, name))]);
      return isInside(file, root) && (await stat(file)).isFile() ? file : undefined;
    } catch {
      return undefined;
    }
  }
}
