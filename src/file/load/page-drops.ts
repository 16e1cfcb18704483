import { constants, openSync } from 'node:fs';
import { closeDescriptor } from '../../os/descriptor.ts';
import { dropPageCache, openCached } from '../../os/page-cache.ts';

/** When pages are dropped that were read. */
const AFTER_MS = 1000;
/** Files that wait for it. Of more the pages are dropped at once. */
const MAX_FILES = 4096;
/** Files of one turn: each takes some ten microseconds. */
const MAX_TURN_FILES = 64;
const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW, O_NOCTTY } = constants;

/**
 * Has the kernel drop what it has of files in its page cache that were read into a cache of ours: a moment
 * later, in batches. Pages that another processor has just read are on a list of that one, and to drop them
 * the kernel has all processors empty theirs: 60 microseconds a file, where it takes 5 a second later.
 */
export class PageDrops {
  #paths = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  /** @param path absolute, of a file that was read */
  later(path: string): void {
    if (this.#paths.size >= MAX_FILES) {
      drop(path);
      return;
    }
    this.#paths.add(path);
    this.#timer ??= setTimeout(() => this.#run(this.#take()), AFTER_MS).unref();
  }

  /** What waits stays in the page cache, from which the kernel takes it when it wants to. */
  close(): void {
    clearTimeout(this.#timer);
    this.#take();
  }

  #take(): string[] {
    const paths = [...this.#paths];
    this.#paths.clear();
    this.#timer = undefined;
    return paths;
  }

  #run(paths: readonly string[]): void {
    for (const path of paths.slice(0, MAX_TURN_FILES)) drop(path);
    const rest = paths.slice(MAX_TURN_FILES);
    if (rest.length > 0) setImmediate(() => this.#run(rest)).unref();
  }
}

/** Where another file has its place by now, of that one. */
function drop(path: string): void {
  let fd: number | undefined;
  try {
    fd = openCached(path) ?? openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
    dropPageCache(fd);
  } catch {
    // It is gone, or no file: there is nothing to drop.
  } finally {
    if (fd !== undefined) closeDescriptor(fd);
  }
}
