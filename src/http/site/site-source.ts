import type { Snapshot } from '../../file/cache/file-cache.ts';

/** Where a file of a site lies, as its source found it. */
export interface FileLocation {
  /** From the root. */
  readonly path: string;
  /** What the source knows it by: in a file system its path with symbolic links followed. */
  readonly realPath: string;
  /**
   * The directory that it was found in: the source gives nothing from elsewhere, though a link take its
   * place. Undefined: any.
   */
  readonly folder: string | undefined;
  /** By performance.now(). */
  readonly foundAt: number;
}

/** An entry of a directory. */
export interface SiteEntry {
  readonly name: string;
  readonly type: 'file' | 'directory';
}

/**
 * Where a site has its files from. It says what lies where, and keeps the policy on what may be reached;
 * which file a request means, and what is said of it, is the site's.
 */
export interface SiteSource {
  /** What {@link ServedFile.path} begins with: of a directory its path. */
  readonly root: string;
  /**
   * Finds what lies at a path from the root, which begins with '/' and has no segments of dots.
   * @throws ENOENT, ENOTDIR, EACCES, ... with a `code`, as the file system says them
   */
  locate(path: string): Promise<FileLocation>;
  /** The file at a location, if it is in memory and known to be right. The caller releases it. */
  peek(location: FileLocation): Snapshot | undefined;
  /**
   * The file at a location. The caller releases it.
   * @throws EISDIR for a directory; ENOENT, ...; what reading it throws; the signal's reason
   */
  open(location: FileLocation, signal: AbortSignal): Promise<Snapshot>;
  /**
   * Files and directories in the directory at a path, in any order, as far as they may be reached.
   * @param options `hidden`: whether those whose names begin with a dot are wanted; `limit`: how many at most
   * @throws as {@link locate}; ENOTDIR
   */
  list(path: string, options: { readonly hidden: boolean; readonly limit: number }): Promise<SiteEntry[]>;
}
