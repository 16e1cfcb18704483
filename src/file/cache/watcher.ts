import { type FSWatcher, watch } from 'node:fs';

/** Directories that are watched at most: the kernel's bound is shared by all programs of a user. */
const MAX_DIRECTORIES = 1024;
/** From so many paths on that lead elsewhere, those that are no longer of use are looked for. */
const MANY_LINKS = 1000;

/**
 * Tells of changes to files in the directories of those that are cached: one watch (inotify(7)) a directory.
 * Watches are a help, no promise: file systems of other machines report nothing, and beyond a number of
 * directories none are added.
 */
export class Watcher {
  readonly #changed: (path: string) => void;
  readonly #isKept: (path: string) => boolean;
  /** By what all paths in the directory begin with: the same directory may be reached by several names. */
  readonly #watches = new Map<string, FSWatcher>();
  /** Paths that lead to a file elsewhere, by where it is. */
  readonly #links = new Map<string, Set<string>>();
  /** How many paths these are, and from how many on they are looked through. */
  #linkCount = 0;
  #manyLinks = MANY_LINKS;
  #exhausted = false;

  /**
   * @param changed called with the path of a file, by the name under which its directory was added: see
   *   {@link namesOf}
   * @param isKept whether it is still of interest what a path leads to
   */
  constructor(changed: (path: string) => void, isKept: (path: string) => boolean) {
    this.#changed = changed;
    this.#isKept = isKept;
  }

  /** How many directories are watched. */
  get directories(): number {
    return this.#watches.size;
  }

  /** Watches a file from now on. @param realPath where it is, symbolic links followed */
  add(path: string, realPath: string): void {
    this.#watch(path);
    if (realPath === path) return;
    this.#watch(realPath);
    if (this.#links.get(realPath)?.has(path)) return;
    if (this.#linkCount >= this.#manyLinks) this.#forgetLinks();
    this.#links.set(realPath, (this.#links.get(realPath) ?? new Set()).add(path));
    this.#linkCount += 1;
  }

  /** The paths by which a file may have been added, if it is at this one. */
  namesOf(path: string): readonly string[] {
    return [path, ...(this.#links.get(path) ?? [])];
  }

  close(): void {
    for (const prefix of [...this.#watches.keys()]) this.#drop(prefix);
    this.#exhausted = true;
  }

  #watch(path: string): void {
    const prefix = path.slice(0, path.lastIndexOf('/') + 1);
    if (this.#exhausted || this.#watches.has(prefix) || this.#watches.size >= MAX_DIRECTORIES) return;
    try {
      const watcher = watch(prefix === '' ? '.' : prefix, { persistent: false }, (event, name) => {
        if (name === null) return;
        this.#changed(prefix + name);
        // The directory itself was moved or removed: whoever reads there next adds it anew.
        if (event === 'rename' && prefix.endsWith(`${name}/`)) this.#drop(prefix);
      });
      watcher.on('error', () => this.#drop(prefix));
      this.#watches.set(prefix, watcher);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // The kernel gives no more: files are validated nevertheless.
      this.#exhausted = code === 'ENOSPC' || code === 'EMFILE' || code === 'ENFILE';
    }
  }

  #forgetLinks(): void {
    for (const [realPath, paths] of this.#links) {
      for (const path of paths) {
        if (!this.#isKept(path) && paths.delete(path)) this.#linkCount -= 1;
      }
      if (paths.size === 0) this.#links.delete(realPath);
    }
    this.#manyLinks = Math.max(MANY_LINKS, 2 * this.#linkCount);
  }

  #drop(prefix: string): void {
    this.#watches.get(prefix)?.close();
    this.#watches.delete(prefix);
  }
}
