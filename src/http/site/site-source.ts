import type { WaitSignal } from '../../base/abortable.ts';
import type { Repeatable } from '../../base/repeatable.ts';
import type { PathMemo, Snapshot } from '../../file/cache/file-cache.ts';

/** An entry of a directory. */
export interface SiteEntry {
  readonly name: string;
  readonly type: 'file' | 'directory';
}

/** A path that is asked for again and again, and what is remembered of it. */
export interface SitePath extends PathMemo {
  /** From the root. */
  readonly path: string;
  /** What the source knows it by. */
  readonly name: string;
}

/**
 * Where a site has its files from. It says what lies where, and keeps the policy on what may be reached;
 * which file a request means, and what is said of it, is the site's. Paths are from the root, begin with '/'
 * and have no segments of dots.
 */
export interface SiteSource {
  /** What {@link ServedFile.path} begins with: of a directory its path. */
  readonly root: string;
  /** What the source knows a path by: so much as follows from the path alone. */
  nameOf(path: string): string;
  /** The file at a path, if it is in memory, is right, and may be reached. The caller releases it. */
  peek(path: SitePath): Snapshot | undefined;
  /** As {@link FileCache.repeatable}, of what {@link peek} gave last for this path. */
  repeatable?(path: SitePath): Repeatable | undefined;
  /**
   * The file at a path. The caller releases it.
   * @throws EISDIR for a directory; ENOENT, ENOTDIR, EACCES, ... with a `code`, as the file system says them;
   *   what reading it throws; that of who gives up
   */
  open(path: string, wait: WaitSignal): Promise<Snapshot>;
  /**
   * Files and directories in the directory at a path, in any order, as far as they may be reached.
   * @param options `hidden`: whether those whose names begin with a dot are wanted; `limit`: how many at most
   * @throws ENOENT, ENOTDIR, EACCES, ...
   */
  list(path: string, options: { readonly hidden: boolean; readonly limit: number }): Promise<SiteEntry[]>;
}
