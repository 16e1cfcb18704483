import { readdir, stat } from 'node:fs/promises';
import { posix } from 'node:path';
import picomatch from 'picomatch';

/** What a route of its own is for. */
export interface FileRoute {
  readonly url: string;
  /** From the root. With a slash at its end it is a directory, for its index file. */
  readonly path: string;
  readonly root: string;
}

/** Which routes are wanted. */
export interface FileRouteOptions {
  readonly prefix: string;
  readonly index: readonly string[];
  /** Globs of files that get none. */
  readonly ignored: readonly string[];
  /** Whether files whose names begin with a dot get some. */
  readonly withDots: boolean;
  /** Whether directories get one without a slash at the end, too. */
  readonly redirect: boolean;
}

/**
 * Routes for all files that are in directories now, each file in the first that has it, and for directories
 * with an index file.
 */
export async function fileRoutes(roots: readonly string[], options: FileRouteOptions): Promise<FileRoute[]> {
  const { prefix, index, ignored, withDots, redirect } = options;
  const isIgnored = picomatch([...ignored], { dot: withDots });
  const routes = new Map<string, FileRoute>();
  const add = (path: string, root: string): void => {
    const url = prefix + path.slice(1);
    if (!routes.has(url)) routes.set(url, { url, path, root });
  };
  const folders = new Map<string, string>();
  for (const root of roots) {
    for (const path of await filesBelow(root, '', withDots)) {
      if (ignored.length > 0 && isIgnored(path)) continue;
      add(`/${path}`, root);
      const folder = posix.join('/', posix.dirname(path), '/');
      if (index.includes(posix.basename(path)) && !folders.has(folder)) folders.set(folder, root);
    }
  }
  for (const [folder, root] of folders) {
    add(folder, root);
    if (redirect && folder !== '/') add(folder.slice(0, -1), root);
    else if (redirect && prefix !== '/') routes.set('', { url: prefix.replace(/\/$/, ''), path: '', root });
  }
  return [...routes.values()];
}

/** Paths of all files, through links to other directories, but not in circles. */
async function filesBelow(
  root: string,
  folder: string,
  withDots: boolean,
  way: readonly number[] = [],
): Promise<string[]> {
  const files: string[] = [];
  const { ino } = await stat(posix.join(root, folder));
  if (way.includes(ino)) return files;
  for (const entry of await readdir(posix.join(root, folder), { withFileTypes: true })) {
    if (entry.name.startsWith('.') && !withDots) continue;
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    const found = entry.isSymbolicLink() ? await stat(posix.join(root, path)).catch(() => undefined) : entry;
    if (found?.isDirectory()) files.push(...(await filesBelow(root, path, withDots, [...way, ino])));
    else if (found?.isFile()) files.push(path);
  }
  return files;
}
