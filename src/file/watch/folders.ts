import { readFileSync } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import { now } from '../../base/clock.ts';
import { fileSystemKindOf } from './file-system.ts';
import { Folder, type FolderEvents, type Lives } from './folder.ts';

/** A symbolic link that a path leads through. */
export interface Hop {
  readonly folder: Folder;
  readonly name: string;
}

/** Where a path of a directory leads. */
export interface FolderPlace {
  readonly folder: Folder;
  /** Links on the way, in the order in which they are met. */
  readonly hops: readonly Hop[];
  readonly foundAt: number;
}

/** Who is told of what happens in folders. */
export interface FoldersListener extends FolderEvents {
  /** A folder may be elsewhere by now, and what its files' paths lead to another thing. */
  moved(folder: Folder): void;
  /** Paths that lead elsewhere, or may do so. */
  redirected(paths: readonly string[]): void;
}

/** As Linux bounds the links of a path (path_resolution(7)). */
const MAX_HOPS = 40;
/** The kernel's bound is for all programs of a user: this part of it is ours. */
const WATCHES_PART = 1 / 2;
const MAX_WATCHES = 65_536;
const DEFAULT_WATCHES = 4096;
/** When there were no more watches, others may have given up some in the meantime. */
const RETRY_MS = 10_000;
/** From so many folders on, those that nobody needs are looked for. */
const MANY_FOLDERS = 256;
/** Errors that say that there are no more watches to be had, for any folder. */
const EXHAUSTED = ['ENOSPC', 'EMFILE', 'ENFILE', 'ENOMEM'];

/**
 * The directories that cached files are in, and those above them up to the root: with a watch each, as far as
 * the kernel has some. Finds where paths lead, links followed, and remembers that as long as nothing is told.
 */
export class Folders implements FolderEvents {
  readonly #lives: Lives;
  readonly #listener: FoldersListener;
  readonly #root: Folder;
  /** By the path of a directory as it was given, with '/' at its end. */
  readonly #places = new Map<string, FolderPlace>();
  readonly #finding = new Map<string, Promise<FolderPlace>>();
  readonly #maxWatches = maxWatches();
  #watches = 0;
  #folders = 1;
  #manyFolders = MANY_FOLDERS;
  #retryAt = 0;
  #closed = false;

  constructor(lives: Lives, listener: FoldersListener) {
    this.#lives = lives;
    this.#listener = listener;
    this.#root = new Folder('/', undefined, lives);
  }

  /** How many directories are watched. */
  get watches(): number {
    return this.#watches;
  }

  /** All that are known. */
  all(): Iterable<Folder> {
    return this.#root.all();
  }

  /**
   * Where a directory's path leads, if that is known and right until told otherwise.
   * @param directory absolute, with '/' at its end
   */
  peek(directory: string): FolderPlace | undefined {
    const place = this.#places.get(directory);
    if (place === undefined) return undefined;
    const { folder, hops, foundAt } = place;
    const isRight =
      foundAt > now() - this.#lives.unwatched ||
      (folder.isCovered && hops.every(hop => hop.folder.isCovered && hop.folder.isAlive));
    return isRight && folder.isAlive ? place : undefined;
  }

  /**
   * Finds where a directory's path leads, and has what is on the way watched before it is looked at.
   * @param directory absolute, with '/' at its end
   * @throws ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, ...
   */
  find(directory: string): Promise<FolderPlace> {
    const known = this.peek(directory);
    if (known !== undefined) return Promise.resolve(known);
    // Whoever asks for a file of it at the same time finds the same.
    const running = this.#finding.get(directory);
    if (running !== undefined) return running;
    const finding = this.#find(directory).finally(() => this.#finding.delete(directory));
    this.#finding.set(directory, finding);
    return finding;
  }

  // What folders tell

  happened(folder: Folder, event: 'rename' | 'change', name: string): void {
    const child = folder.children.get(name);
    if (child !== undefined) this.#moved(child);
    // Its own watch tells of it by its name too.
    else if (event === 'rename' && name === folder.name) this.#moved(folder);
    this.#redirect(folder.links.get(name) ?? []);
    this.#listener.happened(folder, event, name);
  }

  unwatched(folder: Folder): void {
    this.#watches -= 1;
    this.#listener.unwatched(folder);
  }

  close(): void {
    this.#closed = true;
    this.#retryAt = Number.POSITIVE_INFINITY;
    for (const folder of this.all()) this.#unwatch(folder);
    this.#places.clear();
  }

  async #find(directory: string): Promise<FolderPlace> {
    if (this.#folders >= this.#manyFolders) this.#prune();
    const foundAt = now();
    const { folder, hops } = await this.#follow(directory);
    this.#watch(folder);
    folder.fileSystem = await fileSystemKindOf(folder.path);
    const place = { folder, hops, foundAt };
    // Otherwise it was exchanged meanwhile.
    if (!folder.isAlive || this.#closed) return place;
    for (const hop of hops) hop.folder.addLink(hop.name, directory);
    this.#places.set(directory, place);
    return place;
  }

  /** Goes along a path as the kernel does (path_resolution(7)), link by link. */
  async #follow(path: string): Promise<{ folder: Folder; hops: Hop[] }> {
    const hops: Hop[] = [];
    const names = path.split('/').reverse();
    let folder = this.#root;
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        folder = folder.parent ?? folder;
        continue;
      }
      const known = folder.children.get(name);
      if (known !== undefined && folder.isAlive && folder.hasWatch) {
        folder = known;
        continue;
      }
      this.#watch(folder);
      const stats = await lstat(folder.path + name);
      if (stats.isDirectory()) folder = this.#child(folder, name);
      else if (stats.isSymbolicLink()) {
        hops.push({ folder, name });
        if (hops.length > MAX_HOPS) throw failure('ELOOP', path);
        const target = await readlink(folder.path + name);
        names.push(...target.split('/').reverse());
        if (target.startsWith('/')) folder = this.#root;
      } else throw failure('ENOTDIR', path);
    }
    return { folder, hops };
  }

  #child(parent: Folder, name: string): Folder {
    const known = parent.children.get(name);
    if (known !== undefined) return known;
    const child = new Folder(`${parent.path}${name}/`, parent, this.#lives);
    child.isAlive = parent.isAlive;
    if (parent.isAlive) {
      parent.children.set(name, child);
      this.#folders += 1;
    }
    return child;
  }

  #watch(folder: Folder): void {
    if (folder.hasWatch || !folder.isAlive || this.#watches >= this.#maxWatches || this.#retryAt > now())
      return;
    try {
      folder.watch(this);
      this.#watches += 1;
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (EXHAUSTED.includes(code)) this.#retryAt = now() + RETRY_MS;
    }
  }

  #unwatch(folder: Folder): void {
    if (folder.hasWatch) this.#watches -= 1;
    folder.unwatch();
  }

  /** A folder may be elsewhere by now, with all that is in it: it is found anew when it is needed. */
  #moved(folder: Folder): void {
    folder.parent?.children.delete(folder.name);
    for (const each of [...folder.all()]) {
      each.isAlive = false;
      if (each.parent !== undefined) this.#folders -= 1;
      for (const paths of each.links.values()) this.#redirect(paths);
      this.#unwatch(each);
      this.#listener.moved(each);
    }
    this.#places.clear();
  }

  #redirect(paths: Iterable<string>): void {
    const files: string[] = [];
    for (const path of paths) {
      if (path.endsWith('/')) this.#places.delete(path);
      else files.push(path);
    }
    if (files.length > 0) this.#listener.redirected(files);
  }

  /** Gives up folders that nobody needs. */
  #prune(): void {
    for (const place of this.#places.keys()) this.#forget(place);
    const folders = [...this.all()].reverse();
    for (const folder of folders) {
      if (folder.parent === undefined || !folder.isUnused) continue;
      folder.isAlive = false;
      folder.parent.children.delete(folder.name);
      this.#folders -= 1;
      this.#unwatch(folder);
    }
    this.#manyFolders = Math.max(MANY_FOLDERS, 2 * this.#folders);
  }

  #forget(directory: string): void {
    for (const { folder, name } of this.#places.get(directory)?.hops ?? [])
      folder.removeLink(name, directory);
    this.#places.delete(directory);
  }
}

function failure(code: string, path: string): Error {
  const text = code === 'ELOOP' ? 'too many symbolic links' : 'a part of its path is no directory';
  return Object.assign(new Error(`Cannot open ${path}: ${text} (${code})`), { code });
}

/** How many watches this process may have. */
function maxWatches(): number {
  try {
    const text = readFileSync('/proc/sys/fs/inotify/max_user_watches', 'latin1');
    return Math.min(MAX_WATCHES, Math.floor(Number(text) * WATCHES_PART)) || DEFAULT_WATCHES;
  } catch {
    return DEFAULT_WATCHES;
  }
}
