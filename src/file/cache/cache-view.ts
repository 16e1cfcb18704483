import { resolve } from 'node:path';
import { ArgumentError, describe, IoliteError } from '../../base/error.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { isWellFormed } from '../../base/well-formed.ts';
import type { Channel } from '../../ipc/channel.ts';
import type { RequestHandler } from '../../ipc/responder.ts';
import type { Entry } from '../../store/entry.ts';
import type { PinnedVersions } from '../../store/pinned-versions.ts';
import type { StoreListener } from '../../store/store-listener.ts';
import type { Greeting } from '../../store/store-protocol.ts';
import type { FoundVersion, StoreOwner } from '../../store/store-service.ts';
import type { StoredVersion } from '../../store/stored-version.ts';
import { isInside } from '../load/load.ts';
import { parseExtentKey } from './extents.ts';
import type { FileFacts } from './file-entry.ts';

/** What is done with symbolic links below a root: followed inside of it, never, or wherever they lead. */
export type LinkPolicy = 'inside' | 'deny' | 'follow';

/** Files that other domains may ask a cache for: some of those below a root. */
export interface CacheViewOptions {
  /** The directory. It need not be there yet; it may be a symbolic link, also one that is exchanged. */
  readonly root: string;
  /**
   * Those who have views of the same name may see the same memory, at the same time or one after the other:
   * what it says, in short, so that it is another name where the view is another one.
   */
  readonly name: string;
  /**
   * What is done with links on the way to a file.
   * @param path from the root, begins with '/', without empty segments and segments of dots
   * @returns undefined for a file that is not to be had
   */
  linksAt(path: string): LinkPolicy | undefined;
  /** Files that are not to be had though a link that is admitted leads there: by their real paths. */
  withholds?(realPath: string): boolean;
}

/** A view of a cache: see `OwnedFileCache.view()`. */
export interface CacheView extends Disposable {
  /** The directory, absolute. */
  readonly root: string;
  /**
   * Answers the requests of a cache attached at the other end of a channel, as `OwnedFileCache.serve()` does,
   * until the channel or the cache closes.
   * @param options `otherwise`: answers requests on the channel that are not the cache's
   * @throws ERR_IOLITE_CLOSED when the cache is closed
   */
  serve(channel: Channel, options?: { readonly otherwise?: RequestHandler }): void;
  /** Nobody is to be served through it any more: close the channels first. */
  close(): void;
}

/** The files that a view is one of. */
interface ViewSource extends StoreOwner<FileFacts> {
  /** Where the root of a view is. */
  realPathOf(root: string): Promise<string>;
}

/** Where links led that are not kept: who was told asks for it at once. */
const MAX_UNKEPT_WAYS = 1000;

/** A path of a view that a link is on. */
interface Way {
  /** From the root, as of {@link CacheViewOptions.linksAt}. */
  readonly path: string;
  /** The key of the link. */
  readonly link: string;
}

/**
 * What one view has of the files of a cache. A file is had by its path below the root, if the view admits
 * that; or by where such a path leads, as it was told. Everything else is refused in the same words, be it
 * there or not.
 */
export class ViewedFiles implements StoreOwner<FileFacts>, StoreListener {
  readonly options: CacheViewOptions;
  /** Absolute. */
  readonly root: string;
  readonly #files: ViewSource;
  /** Where links lead that the store keeps, and that the view was told of. */
  readonly #ways = new Map<string, Way>();
  readonly #unkept = new RecentMap<string, Way>(MAX_UNKEPT_WAYS);

  /** @param files that know of this view. @throws ERR_IOLITE_ARGUMENT */
  constructor(files: ViewSource, options: CacheViewOptions) {
    checkView(options);
    this.options = options;
    this.#files = files;
    this.root = resolve(options.root);
  }

  get greeting(): Greeting {
    return this.#files.greeting;
  }

  async find(
    key: string,
    since: number,
    _root: string | undefined,
    pinned: PinnedVersions<FileFacts>,
  ): Promise<FoundVersion<FileFacts>> {
    // An extent is one of a file that was given.
    if (parseExtentKey(key) !== undefined) return this.#files.find(key, since, '/', pinned);
    const path = this.#pathOf(key);
    const links = path === undefined ? undefined : this.options.linksAt(path);
    if (path === undefined || links === undefined) throw refused(key);
    const found = await this.#files.find(key, since, links === 'follow' ? '/' : this.root, pinned);
    try {
      const { target } = found.held.facts;
      if (target === undefined) return found;
      if (this.options.withholds?.(target) === true) throw refused(key);
      if (links === 'deny' && target !== (await this.#files.realPathOf(this.root)) + path) throw refused(key);
      const ways = this.#files.bySerial(found.held.serial) === undefined ? this.#unkept : this.#ways;
      ways.set(target, { path, link: key });
      return found;
    } catch (error) {
      found.held.release();
      throw error;
    }
  }

  bySerial(serial: number): Entry<FileFacts, unknown> | undefined {
    return this.#files.bySerial(serial);
  }

  used(entry: Entry<FileFacts, unknown>, times: number): void {
    this.#files.used(entry, times);
  }

  /** What the view does not admit it says of nothing, as it may be there or not. */
  wouldKeep(key: string, size: number, uses: number): boolean {
    const path = this.#pathOf(key);
    const isAdmitted = path !== undefined && this.options.linksAt(path) !== undefined;
    return isAdmitted && this.#files.wouldKeep?.(key, size, uses, undefined) !== false;
  }

  /** A link that the store no longer has: it may lead elsewhere. */
  left({ key, facts }: StoredVersion, stays: boolean): void {
    const { target } = facts as Partial<FileFacts>;
    if (!stays && target !== undefined && this.#ways.get(target)?.link === key) this.#ways.delete(target);
  }

  /** Whether the file at a real path may be had. @param realRoot where the root is */
  admits(realPath: string, realRoot: string): boolean {
    if (this.#wayTo(realPath) !== undefined) return true;
    const path = pathBelow(realRoot, realPath);
    return path !== undefined && this.options.linksAt(path) !== undefined;
  }

  /** What a key stands for below the root. */
  #pathOf(key: unknown): string | undefined {
    if (typeof key !== 'string') return undefined;
    const path = pathBelow(this.root, key);
    if (path !== undefined && this.options.linksAt(path) !== undefined) return path;
    return this.#wayTo(key)?.path;
  }

  #wayTo(key: string): Way | undefined {
    return this.#ways.get(key) ?? this.#unkept.get(key);
  }
}

function checkView({ root, name, linksAt }: CacheViewOptions): void {
  if (typeof root !== 'string' || root === '' || root.includes('\0'))
    throw new ArgumentError(`Cannot make view: a directory is wanted, ${describe(root)} was given`);
  if (typeof name !== 'string')
    throw new ArgumentError(`Cannot make view: a name is wanted, ${describe(name)} was given`);
  if (typeof linksAt !== 'function')
    throw new ArgumentError(`Cannot make view: a function is wanted, ${describe(linksAt)} was given`);
}

/** What a path has behind a root, if nothing in it can be taken for another path. */
function pathBelow(root: string, path: string): string | undefined {
  if (path === root || !isInside(path, root)) return undefined;
  const below = root === '/' ? path : path.slice(root.length);
  const isPlain = below
    .slice(1)
    .split('/')
    .every(segment => segment !== '' && segment !== '.' && segment !== '..');
  return isPlain && !below.includes('\0') && isWellFormed(below) ? below : undefined;
}

function refused(key: unknown): IoliteError {
  return new IoliteError('EACCES', `Cannot read ${describe(key)}: it is not among the files that are shared`);
}
