import { extname } from 'node:path';
import { BoundedMap } from '../../base/bounded-map.ts';
import type { Snapshot } from '../../file/cache/file-cache.ts';
import { statusOf } from '../message/status-of-error.ts';
import type { SiteSettings } from './site-options.ts';
import type { FileLocation, SiteSource } from './site-source.ts';

/** A file that a request names. */
export interface FoundFile {
  readonly location: FileLocation;
  /** The finder's caller releases it. */
  readonly snapshot: Snapshot;
}

/** How long a location is used without a look at the disk. */
const LOCATION_LIFE_MS = 1000;
const MAX_LOCATIONS = 10_000;

/** The files of a source by the paths of requests: index files, extensions, and what was found just now. */
export class SiteFiles {
  readonly #source: SiteSource;
  readonly #settings: SiteSettings;
  /** By what the request named. */
  readonly #locations = new BoundedMap<string, FileLocation>(MAX_LOCATIONS);

  constructor(source: SiteSource, settings: SiteSettings) {
    this.#source = source;
    this.#settings = settings;
  }

  /** A file that was remembered by a name less than a second ago, if the source has it at hand. */
  peek(name: string): FoundFile | undefined {
    const location = this.#locations.get(name);
    if (location === undefined || performance.now() - location.foundAt > LOCATION_LIFE_MS) return undefined;
    const snapshot = this.#source.peek(location);
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
   * @throws as {@link SiteSource.locate} and {@link SiteSource.open}
   */
  async open(path: string, signal: AbortSignal): Promise<FoundFile> {
    const location = await this.#source.locate(path);
    return { location, snapshot: await this.#source.open(location, signal) };
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
