import { ArgumentError } from '../../base/error.ts';
import { isWellFormed } from '../../base/well-formed.ts';
import { checkFilePath } from './file-cache.ts';

/** A path as directory and name. */
export interface PathParts {
  /** Absolute, with '/' at its end; not normalized, as links may be on the way. */
  readonly directory: string;
  /** '', '.' or '..' for what is a directory in any case. */
  readonly name: string;
}

/** Links that lead to each other before a file comes, as the kernel bounds them (path_resolution(7)). */
export const MAX_LINKS = 40;

/** What is thrown when there are more. */
export function tooManyLinks(path: string): Error {
  return Object.assign(new Error(`Cannot read ${path}: too many symbolic links (ELOOP)`), { code: 'ELOOP' });
}

/** Throws unless a value names a file in a file system. @throws ERR_IOLITE_ARGUMENT */
export function checkDiskPath(path: unknown): asserts path is string {
  checkFilePath(path);
  // Encoded as UTF-8 it would be the name of another file.
  if (!isWellFormed(path)) {
    throw new ArgumentError('Cannot read file: its path has a surrogate that is no part of a character');
  }
}

/** A path in its parts. One that is relative begins at the working directory. */
export function partsOf(path: string): PathParts {
  const absolute = path.startsWith('/') ? path : `${process.cwd()}/${path}`;
  const end = absolute.lastIndexOf('/') + 1;
  return { directory: absolute.slice(0, end), name: absolute.slice(end) };
}
