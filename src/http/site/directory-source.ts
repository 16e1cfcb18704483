import type { Dirent, Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FileCache, Snapshot } from '../../file/cache/file-cache.ts';
import { locate } from './locate.ts';
import type { SiteSettings } from './site-options.ts';
import type { FileLocation, SiteEntry, SiteSource } from './site-source.ts';

/** A directory, whose files are read through a cache. */
export class DirectorySource implements SiteSource {
  readonly root: string;
  readonly #cache: FileCache;
  readonly #symlinks: SiteSettings['symlinks'];

  /** @param root need not be there yet; it may be a symbolic link, also one that is exchanged */
  constructor(root: string, cache: FileCache, symlinks: SiteSettings['symlinks']) {
    this.root = root;
    this.#cache = cache;
    this.#symlinks = symlinks;
  }

  async locate(path: string): Promise<FileLocation> {
    const foundAt = performance.now();
    const realPath = await locate(this.root, path, this.#symlinks);
    const folder = this.#symlinks === 'follow' ? undefined : dirname(realPath);
    return { path, realPath, folder, foundAt };
  }

  peek({ realPath, folder }: FileLocation): Snapshot | undefined {
    return this.#cache.peek(realPath, folder);
  }

  open({ realPath, folder }: FileLocation, signal: AbortSignal): Promise<Snapshot> {
    return this.#cache.snapshot(realPath, { signal, root: folder });
  }

  async list(
    path: string,
    { hidden, limit }: { readonly hidden: boolean; readonly limit: number },
  ): Promise<SiteEntry[]> {
    const directory = await locate(this.root, path, this.#symlinks);
    const present = (await readdir(directory, { withFileTypes: true }))
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

function typeOf(entry: Dirent | Stats): SiteEntry['type'] | undefined {
  if (entry.isDirectory()) return 'directory';
  return entry.isFile() ? 'file' : undefined;
}
