import { normalize } from 'node:path';
import { ArgumentError, describe } from '../../base/error.ts';

/** A simple glob: which files it names, and where to look for them. */
export interface Glob {
  /** The directory, or the file, that all of them lie in. */
  readonly base: string;
  /** Whether it names a path that begins with `base`. */
  readonly matches: (path: string) => boolean;
  /** Whether it names files below directories of this name. */
  readonly enters: (name: string) => boolean;
}

const WILDCARD = /[*?]/;

/**
 * Understands `*` and `?` within a name, and `**` for any directories, also none. Names that begin with a dot
 * are named only by what begins with a dot. Without any of them a directory names all files in it and below.
 * @throws ERR_IOLITE_ARGUMENT
 */
export function parseGlob(pattern: unknown): Glob {
  if (typeof pattern !== 'string' || pattern.length === 0 || pattern.includes('\0')) {
    throw new ArgumentError(`Cannot find files: a path or a glob is wanted, ${describe(pattern)} was given`);
  }
  const normal = normalize(pattern).replace(/(.)\/$/, '$1');
  const names = normal.split('/');
  const hidden = names.some(name => /^\.[^/]/.test(name));
  const enters = (name: string): boolean => hidden || !name.startsWith('.');
  const first = names.findIndex(name => WILDCARD.test(name));
  const base = names.slice(0, first === -1 ? undefined : first).join('/');
  if (first === -1) return { base: normal, matches: path => isPlain(path.slice(normal.length)), enters };
  const rest = names.slice(first);
  const expression = rest.map((name, index) => expressionOf(name, index === rest.length - 1)).join('');
  const regExp = new RegExp(`^${expression}$`);
  const start = first === 0 ? 0 : base.length + 1;
  return {
    base: base === '' && first > 0 ? '/' : base || '.',
    matches: path => regExp.test(path.slice(start)),
    enters,
  };
}

/** Whether no name in a path begins with a dot. */
function isPlain(path: string): boolean {
  return !/(^|\/)\./.test(path);
}

function expressionOf(name: string, last: boolean): string {
  if (name === '**') return last ? '(?:(?!\\.)[^/]+/)*(?!\\.)[^/]+' : '(?:(?!\\.)[^/]+/)*';
  const start = WILDCARD.test(name.charAt(0)) ? '(?!\\.)' : '';
  const body = name
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replace(/\*+/g, '[^/]*')
    .replace(/\?/g, '[^/]');
  return `${start}${body}${last ? '' : '/'}`;
}
