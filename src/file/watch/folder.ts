import { type FSWatcher, watch } from 'node:fs';
import { FileGroup } from './file-group.ts';
import type { FileSystemKind } from './file-system.ts';

/** How what is in a folder is looked after. In milliseconds. */
export interface Lives {
  /** That a look at a file is good for where changes are told of, */
  readonly watched: number;
  /** and where they are not. */
  readonly unwatched: number;
}

/** Told of what happens in a folder. */
export interface FolderEvents {
  /** Something has this name, or had it, and has changed; 'rename' when it may be another thing by now. */
  happened(folder: Folder, event: 'rename' | 'change', name: string): void;
  /** Nobody tells of changes any more. */
  unwatched(folder: Folder): void;
}

/**
 * A directory by its real path, with those of its files that are cached. Changes in it are told of by
 * inotify(7), if there are watches to be had; changes of where its path leads by the folders above. So what
 * is in it is as it was seen until something is told, if all of these are watched.
 */
export class Folder {
  /** Ends with '/'. */
  readonly path: string;
  readonly parent: Folder | undefined;
  readonly children = new Map<string, Folder>();
  /** By a name in it, of a symbolic link for the most part: paths that lead through that. */
  readonly links = new Map<string, Set<string>>();
  /** Files with one name. While they are watched, changes of these are told of. */
  readonly watched = new FileGroup();
  /** Others: a change through another name is told of elsewhere. */
  readonly unwatched = new FileGroup();
  fileSystem: FileSystemKind = 'remote';
  /** Whether its path may still lead to it. */
  isAlive = true;
  /** When it was last seen that there is a directory under its path, */
  seenAt = 0;
  /** and which one that was. */
  identity = '';
  readonly #lives: Lives;
  #watcher: FSWatcher | undefined;

  constructor(path: string, parent: Folder | undefined, lives: Lives) {
    this.path = path;
    this.parent = parent;
    this.#lives = lives;
  }

  get name(): string {
    return this.path.slice(this.path.lastIndexOf('/', this.path.length - 2) + 1, -1);
  }

  get hasWatch(): boolean {
    return this.#watcher !== undefined;
  }

  /** Whether all changes of what is in it are told of, and of where its path leads. */
  get isCovered(): boolean {
    for (let each: Folder | undefined = this; each !== undefined; each = each.parent)
      if (!each.hasWatch || !each.isAlive) return false;
    return this.fileSystem === 'watchable';
  }

  /** Whether nobody needs it. */
  get isUnused(): boolean {
    const { children, links, watched, unwatched } = this;
    return children.size === 0 && links.size === 0 && watched.keys.size === 0 && unwatched.keys.size === 0;
  }

  /** The group for a file in it. @param names how many the file has */
  groupFor(names: number): FileGroup {
    return names === 1 && this.isCovered ? this.watched : this.unwatched;
  }

  /** Milliseconds that a look at the files of a group of it is good for. */
  lifeOf(group: FileGroup): number {
    return group === this.watched && this.isCovered ? this.#lives.watched : this.#lives.unwatched;
  }

  /** This one, and all that are known below it. */
  *all(): Generator<Folder> {
    yield this;
    for (const child of this.children.values()) yield* child.all();
  }

  /** Notes that where a path leads depends on what has a name: a symbolic link, for the most part. */
  addLink(name: string, path: string): void {
    const paths = this.links.get(name) ?? new Set();
    this.links.set(name, paths.add(path));
  }

  removeLink(name: string, path: string): void {
    const paths = this.links.get(name);
    paths?.delete(path);
    if (paths?.size === 0) this.links.delete(name);
  }

  /** Has changes told of. @throws ENOSPC, EMFILE when there are no more watches; EACCES, ENOENT, ... */
  watch(events: FolderEvents): void {
    if (this.hasWatch) return;
    const watcher = watch(this.path, { persistent: false }, (event, name) => {
      if (name !== null && this.#watcher === watcher) events.happened(this, event, name);
    });
    this.#watcher = watcher;
    watcher.on('error', () => {
      if (this.#watcher !== watcher) return;
      this.unwatch();
      events.unwatched(this);
    });
  }

  unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.watched.shorten(this.#lives.unwatched);
  }
}
