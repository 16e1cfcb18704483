import { dirname, extname } from 'node:path';
import { BoundedMap } from '../../base/bounded-map.ts';
import type { FileCache, Snapshot } from '../../file/cache/file-cache.ts';
import { statusOf } from '../message/status-of-error.ts';
import { locate } from './locate.ts';
import type { SiteSettings } from './site-options.ts';

/** A file that a request names. */
export interface FoundFile {
  readonly location: FileLocation;
  /** The finder's caller releases it. */
  readonly snapshot: Snapshot;
}

/** Where a file lies, as the disk had it. */
export interface FileLocation {
  /** From the root. */
  readonly path: string;
  /** In the file system, symbolic links followed: what the cache is asked for. */
  readonly realPath: string;
  /**
   * The directory that it was found in: the cache gives nothing from elsewhere, though a link take its place.
   * Undefined: any.
   */
  readonly folder: string | undefined;
  /** By performance.now(). */
  readonly foundAt: number;
}

/** How long a location is used without a look at the disk. */
const LOCATION_LIFE_MS = 1000;
const MAX_LOCATIONS = 10_000;

/**
 * The files of a directory by the paths of requests: index files, extensions, and the policy on symbolic
 * links.
 */
export class SiteFiles {
  readonly root: string;
  readonly #cache: FileCache;
  readonly #settings: SiteSettings;
  /** By what the request named. */
  readonly #locations = new BoundedMap<string, FileLocation>(MAX_LOCATIONS);

  constructor(root: string, cache: FileCache, settings: SiteSettings) {
    this.root = root;
    this.#cache = cache;
    this.#settings = settings;
  }

  /** A file that was remembered by a name less than a second ago, if the cache has it at hand. */
  peek(name: string): FoundFile | undefined {
    const location = this.#locations.get(name);
    if (location === undefined || performance.now() - location.foundAt > LOCATION_LIFE_MS) return undefined;
    const snapshot = this.#cache.peek(location.realPath, location.folder);
    return snapshot === undefined ? undefined : { location, snapshot };
  }

  remember(name: string, location: FileLocation): void {
    this.#locations.set(name, location);
  }

  /**
   * The file that a decoded path names. Of a directory (a slash at the end) that is its index file.
   * @returns 'directory' when it names a directory without a slash at its end, or one without an index file
   * @throws as {@link open}
   */
  async find(path: string, signal: AbortSignal): Promise<FoundFile | 'directory'> {
    const { index, extensions } = this.#settings;
    if (path.endsWith('/')) {
      const found = await this.#openFirst(
        index.map(name => path + name),
        signal,
      );
      return found ?? 'directory';
    }
    try {
      return await this.open(path, signal);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EISDIR') return 'directory';
      if (code !== 'ENOENT' || extname(path) !== '') throw error;
      const found = await this.#openFirst(
        extensions.map(extension => `${path}.${extension}`),
        signal,
      );
      if (found === undefined) throw error;
      return found;
    }
  }

  /**
   * The file at a path from the root.
   * @throws ENOENT, EISDIR, ... as the disk said; EACCES for symbolic links that the policy does not admit;
   *   what the cache throws; the signal's reason
   */
  async open(path: string, signal: AbortSignal): Promise<FoundFile> {
    const foundAt = performance.now();
    const { symlinks } = this.#settings;
    const realPath = await locate(this.root, path, symlinks);
    const folder = symlinks === 'follow' ? undefined : dirname(realPath);
    const snapshot = await this.#cache.snapshot(realPath, { signal, root: folder });
    return { location: { path, realPath, folder, foundAt }, snapshot };
  }

  /** The first that is there. */
  async #openFirst(paths: readonly string[], signal: AbortSignal): Promise<FoundFile | undefined> {
    for (const path of paths) {
      try {
        return await this.open(path, signal);
      } catch (error) {
        if (statusOf(error, 'file') !== 404) throw error;
      }
    }
    return undefined;
  }
}
