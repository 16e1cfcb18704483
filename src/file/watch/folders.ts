import { readFileSync, type Stats } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import { now } from '../../base/clock.ts';
import { fileSystemKindOf } from './file-system.ts';
import { Folder, type FolderEvents, type Lives } from './folder.ts';

/** A symbolic link that a path leads through, or a directory that it leaves by '..'. */
export interface Hop {
  readonly folder: Folder;
  readonly name: string;
}

/** Where a path of a directory leads. */
export interface FolderPlace {
  readonly folder: Folder;
  /** What is on the way besides the folder and those above it, in the order in which it is met. */
  readonly hops: readonly Hop[];
  readonly foundAt: number;
  /** Whether it is told when it leads elsewhere: not if that kept changing while it was found. */
  readonly isTold: boolean;
}

/** The finding of a place. */
interface Walk {
  readonly directory: string;
  readonly startedAt: number;
  /** Names that this path was noted at: from before they were looked at on. */
  readonly steps: Hop[];
  /** Whether one of them has changed since. */
  isDisturbed: boolean;
  /** Whether it counts that one has. */
  readonly isLast: boolean;
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
/** How often what is on the way may be exchanged while a place is found. */
const WALK_TRIES = 10;
/**
 * For this part of the time that a look is good for a place is: files that are found through it are then good
 * for the rest.
 */
const PLACE_PART = 1 / 2;
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
  readonly #finding = new Map<string, { readonly startedAt: number; readonly place: Promise<FolderPlace> }>();
  readonly #walks = new Map<string, Walk>();
  readonly #maxWatches = maxWatches();
  #watches = 0;
  #folders = 1;
  #manyFolders = MANY_FOLDERS;
  #retryAt = 0;
  /** What was seen before counts for nothing. */
  #doubtedAt = 0;
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
   * Where a directory's path leads, if that is known and right until told otherwise. Where nothing but
   * directories is on the way, a file that is opened by its path tells whether it is.
   * @param directory absolute, with '/' at its end
   * @param since it is to have been seen later than this
   */
  peek(directory: string, since = 0): FolderPlace | undefined {
    const place = this.#places.get(directory);
    if (place === undefined || !place.folder.isAlive || place.foundAt <= since) return undefined;
    const { folder, hops, foundAt } = place;
    if (hops.length === 0 && folder.isCovered) return place;
    const isCovered = folder.isCovered && hops.every(hop => hop.folder.isCovered);
    const { watched, unwatched } = this.#lives;
    return foundAt > now() - (isCovered ? watched : unwatched) * PLACE_PART ? place : undefined;
  }

  /**
   * Finds where a directory's path leads, and has what is on the way watched before it is looked at.
   * @param directory absolute, with '/' at its end
   * @param since all that is on the way is to have been seen later than this
   * @throws ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, ...
   */
  find(directory: string, since = 0): Promise<FolderPlace> {
    const known = this.peek(directory, since);
    if (known !== undefined) return Promise.resolve(known);
    // Whoever asks for a file of it at the same time finds the same.
    const running = this.#finding.get(directory);
    if (running !== undefined) {
      if (running.startedAt > since) return running.place;
      const again = (): Promise<FolderPlace> => this.find(directory, since);
      return running.place.then(again, again);
    }
    const startedAt = now();
    const place = this.#find(directory, since).finally(() => this.#finding.delete(directory));
    this.#finding.set(directory, { startedAt, place });
    return place;
  }

  /** Nothing that was seen on the way to a directory counts any more. */
  doubt(directory: string): void {
    this.#doubtedAt = now();
    this.#forget(directory);
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
    // Nor of where those below it are.
    for (const each of folder.all()) this.#listener.unwatched(each);
  }

  close(): void {
    this.#closed = true;
    this.#retryAt = Number.POSITIVE_INFINITY;
    for (const folder of this.all()) this.#unwatch(folder);
    this.#places.clear();
  }

  async #find(directory: string, since: number): Promise<FolderPlace> {
    if (this.#folders >= this.#manyFolders) this.#prune();
    this.#forget(directory);
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt === WALK_TRIES;
      const walk: Walk = { directory, startedAt: now(), steps: [], isDisturbed: false, isLast };
      this.#walks.set(directory, walk);
      let place: FolderPlace | undefined;
      try {
        place = await this.#placeOf(walk, since);
      } catch (error) {
        // Of what was exchanged meanwhile it says nothing.
        if (!walk.isDisturbed || isLast) throw error;
      } finally {
        this.#walks.delete(directory);
        if (!place?.isTold) for (const { folder, name } of walk.steps) folder.removeLink(name, directory);
      }
      if (place !== undefined) return place;
    }
  }

  /** @returns undefined when something on the way was exchanged meanwhile */
  async #placeOf(walk: Walk, since: number): Promise<FolderPlace | undefined> {
    const folder = await this.#follow(walk, since);
    if (folder === undefined) return undefined;
    this.#watch(folder);
    // Of a folder with a link in it that alone may be in use.
    const looked = new Set([folder, ...walk.steps.map(step => step.folder)]);
    await Promise.all(Array.from(looked, lookAtFileSystem));
    const isTold = !walk.isDisturbed && folder.isAlive && !this.#closed;
    if (!isTold && !walk.isLast && !this.#closed) return undefined;
    const place = { folder, hops: walk.steps, foundAt: walk.startedAt, isTold };
    if (isTold) this.#places.set(walk.directory, place);
    return place;
  }

  /**
   * Goes along a path as the kernel does (path_resolution(7)), link by link.
   * @returns undefined when something was exchanged meanwhile
   */
  async #follow(walk: Walk, since: number): Promise<Folder | undefined> {
    const trustedFrom = Math.max(since, this.#doubtedAt, walk.startedAt - this.#lives.watched);
    const names = walk.directory.split('/').reverse();
    let links = 0;
    let folder = this.#root;
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        if (folder.parent === undefined) continue;
        // Were it another thing, this would lead elsewhere; and who may not search it may not leave it so.
        this.#step(walk, folder.parent, folder.name);
        await lstat(`${folder.path}..`);
        if ((walk.isDisturbed || !folder.isAlive) && !walk.isLast) return undefined;
        folder = folder.parent;
        continue;
      }
      const known = folder.children.get(name);
      if (known !== undefined && folder.isAlive && folder.hasWatch && known.seenAt > trustedFrom) {
        folder = known;
        continue;
      }
      this.#watch(folder);
      const step = this.#step(walk, folder, name);
      const seenAt = now();
      const stats = await lstat(folder.path + name);
      const target = stats.isSymbolicLink() ? await readlink(folder.path + name) : undefined;
      if ((walk.isDisturbed || !folder.isAlive) && !walk.isLast) return undefined;
      const child = this.#seen(folder, name, stats, seenAt);
      if (child !== undefined) {
        this.#unstep(walk, step);
        folder = child;
      } else if (target !== undefined) {
        links += 1;
        if (links > MAX_HOPS) throw failure('ELOOP', walk.directory);
        names.push(...target.split('/').reverse());
        if (target.startsWith('/')) folder = this.#root;
      } else throw failure('ENOTDIR', walk.directory);
    }
    return folder;
  }

  /** Something has a name on the way: what becomes of it is noted from now on. */
  #step({ directory, steps }: Walk, folder: Folder, name: string): Hop {
    folder.addLink(name, directory);
    const step = { folder, name };
    steps.push(step);
    return step;
  }

  /** It is a directory, whose folder is told of what becomes of it. */
  #unstep({ directory, steps }: Walk, step: Hop): void {
    steps.splice(steps.indexOf(step), 1);
    if (!steps.some(({ folder, name }) => folder === step.folder && name === step.name))
      step.folder.removeLink(step.name, directory);
  }

  /** What has a name in a folder, as it was seen. @returns the folder if it is a directory */
  #seen(parent: Folder, name: string, stats: Stats, seenAt: number): Folder | undefined {
    const identity = stats.isDirectory() ? `${stats.dev}:${stats.ino}` : undefined;
    const known = parent.children.get(name);
    // Nobody has told.
    if (known !== undefined && known.identity !== identity) this.#moved(known);
    if (identity === undefined) return undefined;
    const child = this.#child(parent, name);
    child.identity = identity;
    child.seenAt = seenAt;
    return child;
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
    for (const [directory, place] of this.#places) if (!place.folder.isAlive) this.#forget(directory);
  }

  #redirect(paths: Iterable<string>): void {
    const files: string[] = [];
    for (const path of [...paths]) {
      if (!path.endsWith('/')) {
        files.push(path);
        continue;
      }
      const walk = this.#walks.get(path);
      // Its steps are its own to remove.
      if (walk !== undefined) walk.isDisturbed = true;
      this.#forget(path);
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

async function lookAtFileSystem(folder: Folder): Promise<void> {
  folder.fileSystem = await fileSystemKindOf(folder.path);
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
