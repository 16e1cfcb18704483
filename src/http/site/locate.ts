import { realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { IoliteError } from '../../base/error.ts';
import { isInside } from '../../file/load/load.ts';

/**
 * The real path of what lies at a path below a root, if the policy on symbolic links admits it.
 * @param root a directory; itself it may be a link
 * @param path from the root, begins with '/', without segments of dots
 * @throws EACCES when links lead where the policy does not admit; ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, ...
 */
export async function locate(
  root: string,
  path: string,
  symlinks: 'inside' | 'deny' | 'follow',
): Promise<string> {
  const [realRoot, real] = await Promise.all([realpath(root), realpath(join(root, path))]);
  if (isWithin(realRoot, path, real, symlinks)) return real;
  throw outside(path);
}

/**
 * Whether the policy on symbolic links admits that a path below a root leads to a real path. @throws as
 * realpath(3) says of the root
 */
export async function admitsLink(
  root: string,
  path: string,
  real: string,
  symlinks: 'inside' | 'deny' | 'follow',
): Promise<boolean> {
  return isWithin(await realpath(root), path, real, symlinks);
}

/** What is thrown where it does not. */
export function outside(path: string): IoliteError {
  return new IoliteError('EACCES', `Cannot serve ${path}: a symbolic link leads out of it`);
}

function isWithin(
  realRoot: string,
  path: string,
  real: string,
  symlinks: 'inside' | 'deny' | 'follow',
): boolean {
  if (symlinks === 'follow') return true;
  return symlinks === 'deny' ? isAt(real, join(realRoot, path)) : isInside(real, realRoot);
}

/** Whether a path is its own real path, but for a separator at its end. */
function isAt(real: string, path: string): boolean {
  return real === path || real + sep === path;
}
