import type { Dirent, Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { type WaitSignal, waitOptions } from '../../base/abortable.ts';
import { IoliteError } from '../../base/error.ts';
import { RecentMap } from '../../base/recent-map.ts';
import type { Repeatable } from '../../base/repeatable.ts';
import type { FileCache, Snapshot } from '../../file/cache/file-cache.ts';
import { HeldFolder } from '../../file/open/held-folder.ts';
import { admitsLink, locate, outside } from './locate.ts';
import type { SiteSettings } from './site-options.ts';
import type { SiteEntry, SitePath, SiteSource } from './site-source.ts';

/** Paths through links that the policy is known to admit. */
const MAX_ADMITTED_PATHS = 10_000;
/** How often links may be exchanged while a file is opened. */
const OPEN_TRIES = 4;

/** A directory, whose files are read through a cache. */
export class DirectorySource implements SiteSource {
  readonly root: string;
  readonly #cache: FileCache;
  readonly #symlinks: SiteSettings['symlinks'];
  /** What all its files' paths begin with. */
  readonly #prefix: string;
  /** Paths that lead through links: the way that the policy admits. */
  readonly #admitted = new RecentMap<string, number>(MAX_ADMITTED_PATHS);

  readonly #withholds: ((path: string) => boolean) | undefined;

  /**
   * @param root need not be there yet; it may be a symbolic link, also one that is exchanged
   * @param withholds files that are not there, whoever asks: by their paths from the root, and real ones
   */
  constructor(
    root: string,
    cache: FileCache,
    symlinks: SiteSettings['symlinks'],
    withholds?: (path: string) => boolean,
  ) {
    this.#withholds = withholds;
    this.root = root;
    this.#cache = cache;
    this.#symlinks = symlinks;
    this.#prefix = root.endsWith('/') ? root.slice(0, -1) : root;
  }

  nameOf(path: string): string {
    return this.#prefix + path;
  }

  peek(path: SitePath): Snapshot | undefined {
    const cache = this.#cache;
    const snapshot = cache.peek(path.name, undefined, path) ?? cache.readNow?.(path.name, path);
    if (snapshot === undefined) return undefined;
    if (this.#isAdmitted(path.path, snapshot) && !this.#isWithheld(path.path, snapshot)) return snapshot;
    snapshot.release();
    return undefined;
  }

  /** What has content lies where its name says: links have none. */
  repeatable(path: SitePath): Repeatable | undefined {
    return this.#cache.repeatable?.(path);
  }

  async open(path: string, wait: WaitSignal): Promise<Snapshot> {
    for (let attempt = 1; ; attempt++) {
      const snapshot = await this.#cache.snapshot(this.#prefix + path, waitOptions(wait));
      try {
        if (this.#isWithheld(path, snapshot)) throw withheld(path);
        if (this.#isAdmitted(path, snapshot)) return snapshot;
        if (await admitsLink(this.root, path, snapshot.realPath, this.#symlinks)) {
          this.#admitted.set(path, snapshot.way);
          return snapshot;
        }
      } catch (error) {
        snapshot.release();
        throw error;
      }
      snapshot.release();
      // The root may be another one than when the file was found.
      if (attempt === OPEN_TRIES || !(await this.#isElsewhere(path, snapshot.way, wait))) throw outside(path);
    }
  }

  /** What has no links on its way lies where its name says. */
  #isAdmitted(path: string, { way }: Snapshot): boolean {
    return way === 0 || this.#symlinks === 'follow' || this.#admitted.get(path) === way;
  }

  #isWithheld(path: string, { realPath }: Snapshot): boolean {
    const withholds = this.#withholds;
    return withholds !== undefined && (withholds(path) || withholds(realPath));
  }

  /** Whether a path leads another way by now. */
  async #isElsewhere(path: string, way: number, wait: WaitSignal): Promise<boolean> {
    const again = await this.#cache.snapshot(this.#prefix + path, waitOptions(wait));
    again.release();
    return again.way !== way;
  }

  async list(
    path: string,
    { hidden, limit }: { readonly hidden: boolean; readonly limit: number },
  ): Promise<SiteEntry[]> {
    const directory = await locate(this.root, path, this.#symlinks);
    const present = (await entriesOf(directory, path))
      .filter(({ name }) => hidden || !name.startsWith('.'))
      .slice(0, limit);
    const entries: SiteEntry[] = [];
    for (const entry of present) {
      const type = entry.isSymbolicLink() ? await this.#typeBehindLink(path + entry.name) : typeOf(entry);
      if (type !== undefined) entries.push({ name: entry.name, type });
    }
    return entries;
  }

  /** @returns undefined when the policy does not admit the link, or it leads nowhere */
  async #typeBehindLink(path: string): Promise<SiteEntry['type'] | undefined> {
    try {
      return typeOf(await stat(await locate(this.root, path, this.#symlinks)));
    } catch {
      return undefined;
    }
  }
}

/**
 * What a directory has that a path was found to lead to: another one, that a link leads to by now, is not for
 * its clients. @throws EACCES then; ENOENT, ENOTDIR, ...
 */
async function entriesOf(directory: string, path: string): Promise<Dirent[]> {
  await using folder = await HeldFolder.open(directory);
  if (folder.realPath !== directory) throw outside(path);
  return await readdir(folder.path, { withFileTypes: true });
}

function withheld(path: string): IoliteError {
  return new IoliteError('ENOENT', `Cannot serve ${path}: it is not to be sent`);
}

function typeOf(entry: Dirent | Stats): SiteEntry['type'] | undefined {
  if (entry.isDirectory()) return 'directory';
  return entry.isFile() ? 'file' : undefined;
}
