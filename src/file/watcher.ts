import { type FSWatcher, watch } from 'node:fs';

/** Directories that are watched at most: the kernel's bound is shared by all programs of a user. */
const MOST_DIRECTORIES = 1024;

/**
 * Tells of changes to files in the directories of those that are cached: one watch (inotify(7)) a directory. Watches are a
 * help, no promise: file systems of other machines report nothing, and beyond a number of directories none are added.
 */
export class Watcher {
  readonly #changed: (path: string) => void;
  /** By what all paths in the directory begin with: the same directory may be reached by several names. */
  readonly #watches = new Map<string, FSWatcher>();
  #exhausted = false;

  /** @param changed called with the path of a file, by the name under which its directory was added */
  constructor(changed: (path: string) => void) {
    this.#changed = changed;
  }

  /** How many directories are watched. */
  get directories(): number {
    return this.#watches.size;
  }

  /** Watches a file's directory from now on. */
  add(path: string): void {
    const prefix = path.slice(0, path.lastIndexOf('/') + 1);
    if (this.#exhausted || this.#watches.has(prefix) || this.#watches.size >= MOST_DIRECTORIES) return;
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

  close(): void {
    for (const prefix of [...this.#watches.keys()]) this.#drop(prefix);
    this.#exhausted = true;
  }

  #drop(prefix: string): void {
    this.#watches.get(prefix)?.close();
    this.#watches.delete(prefix);
  }
}
