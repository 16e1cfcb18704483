import { realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { RecentMap } from '../../base/recent-map.ts';
import { isInside } from '../../file/load/load.ts';
import { parseTarget } from '../message/request-target.ts';
import type { CgiScript } from './cgi-environment.ts';
import { ScriptNames, type ScriptPattern } from './script-names.ts';

/** Which scripts there are, and which paths mean them. */
export interface ScriptOptions extends ScriptPattern {
  /** The directory of the scripts. */
  readonly root: string;
  /** The script of a directory. Default index.php. */
  readonly index?: string | undefined;
}

/** How long a script is taken to be where it was seen. */
const SEEN_MS = 1000;
const MAX_SCRIPTS = 4096;

/** What lies at a path: a script's file; something else, below which there may be one; nothing. */
type Found = { readonly file: string } | 'other' | 'none';

interface Seen {
  readonly found: Found;
  readonly until: number;
}

/**
 * Finds the script that a request means. What is found is a file, and lies in the root, whatever links lead
 * to it: so a path like /uploads/picture.jpg/x.php runs nothing, whatever PHP makes of paths.
 */
export class ScriptFinder {
  readonly #root: string;
  readonly #index: string;
  readonly #names: ScriptNames;
  readonly #seen = new RecentMap<string, Seen>(MAX_SCRIPTS);

  constructor(options: ScriptOptions) {
    const { root, index = 'index.php' } = options;
    this.#root = resolve(root);
    this.#index = index;
    this.#names = new ScriptNames(options);
  }

  /** Whether a path is one of a script: its text is not to be sent. */
  get isScript(): (path: string) => boolean {
    return this.#names.isScript;
  }

  /** @returns undefined where there is none. @param target as of a request */
  async find(target: string): Promise<CgiScript | undefined> {
    const named = parseTarget(target);
    if (typeof named === 'number' || (named.hidden && !named.isWellKnown)) return undefined;
    const path = named.path.endsWith('/') ? named.path + this.#index : named.path;
    let [name, rest] = ['', path];
    for (let parts = this.#names.splitOf(rest); parts !== undefined; parts = this.#names.splitOf(rest)) {
      [name, rest] = [name + parts[0], parts[1]];
      const found = await this.#at(name);
      if (typeof found === 'object') return { ...found, root: this.#root, name, pathInfo: rest };
      // Below nothing there is nothing: a path of thousands of names is looked up once.
      if (found === 'none' && rest.startsWith('/')) break;
    }
    const { front } = this.#names;
    const found = front === undefined ? 'none' : await this.#at(front);
    if (typeof found !== 'object') return undefined;
    return { ...found, root: this.#root, name: front as string, pathInfo: named.path };
  }

  async #at(name: string): Promise<Found> {
    const seen = this.#seen.get(name);
    if (seen !== undefined && seen.until > performance.now()) return seen.found;
    const found = await this.#lookAt(name);
    this.#seen.set(name, { found, until: performance.now() + SEEN_MS });
    return found;
  }

  async #lookAt(name: string): Promise<Found> {
    try {
      const [root, file] = await Promise.all([realpath(this.#root), realpath(join(this.#root, name))]);
      return isInside(file, root) && (await stat(file)).isFile() ? { file } : 'other';
    } catch {
      return 'none';
    }
  }
}
