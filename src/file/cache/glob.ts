import { normalize } from 'node:path';
import picomatch from 'picomatch';
import { ArgumentError, describe } from '../../base/error.ts';

/** Which files a glob names, and where to look for them. */
export interface Glob {
  /** The directory, or the file, that all of them lie in. */
  readonly base: string;
  /** Whether there is a wildcard in it. Otherwise it names `base`, and what lies in it. */
  readonly isPattern: boolean;
  /** Whether it names a path that begins with `base`. */
  readonly matches: (path: string) => boolean;
  /** Whether it may name files below this directory, whose path begins with `base`. */
  readonly enters: (path: string) => boolean;
}

/** A name in which nothing is special but what a backslash makes itself. */
const LITERAL = /^(?:[^\\*?[{(]|\\.)*$/;
/** A name that begins with a dot, also as an alternative of others. */
const HIDDEN = /(?:^|[/{,(|])\\?\.(?!\.?(?:\/|$))/;
/** A name that is all but some: no dot is in front of it either. */
const ALL_BUT = /(^|\/)!\(/g;
/** What matches any number of directories. */
const DEEP = /\*\*|\(/;
const MAX_RANGE_VALUES = 1000;

/**
 * The files that a path names: itself, or those in it and below but for names that begin with a dot.
 * @throws ERR_IOLITE_ARGUMENT
 */
export function literalGlob(path: unknown): Glob {
  const base = withoutSlash(normalize(checkPattern(path)));
  const start = base === '.' ? 0 : base.length;
  return {
    base,
    isPattern: false,
    matches: each => isPlain(each.slice(start)),
    enters: each => isPlain(each.slice(start)),
  };
}

/**
 * Understands what picomatch does: `*`, `?`, `**`, `[a-z]`, `[!a-z]`, `[[:digit:]]`, `{a,b}`, `{1..9}`,
 * `@(a|b)` and its like, and a backslash before what is meant as it is. Names that begin with a dot are named
 * only by what begins with a dot.
 * @throws ERR_IOLITE_ARGUMENT also for brackets that are not closed, or not opened
 */
export function parseGlob(pattern: unknown): Glob {
  const names = withoutSlash(checkPattern(pattern).replace(/\/+/g, '/')).split('/');
  const first = names.findIndex(name => !LITERAL.test(name));
  const literal = names.slice(0, first === -1 ? undefined : first);
  const path = literal.join('/').replace(/\\(.)/g, '$1');
  if (first === -1) return literalGlob(path);
  const base = path === '' ? (first > 0 ? '/' : '.') : withoutSlash(normalize(path));
  const rest = names.slice(first).join('/');
  const isMatch = matcherOf(rest, pattern as string);
  const start = base === '.' ? 0 : base === '/' ? 1 : base.length + 1;
  const deepest = DEEP.test(rest) ? Number.POSITIVE_INFINITY : names.length - first - 1;
  const hidden = HIDDEN.test(rest);
  return {
    base,
    isPattern: true,
    matches: each => {
      const below = each.slice(start);
      return (hidden || isPlain(below)) && isMatch(below);
    },
    enters: each => {
      const below = each.slice(start);
      return below.split('/').length <= deepest && (hidden || isPlain(below));
    },
  };
}

function checkPattern(pattern: unknown): string {
  if (typeof pattern === 'string' && pattern.length > 0 && !pattern.includes('\0')) return pattern;
  throw new ArgumentError(`Cannot find files: a path or a glob is wanted, ${describe(pattern)} was given`);
}

function matcherOf(rest: string, pattern: string): (path: string) => boolean {
  try {
    return picomatch(rest.replace(ALL_BUT, '$1!(.*|'), {
      dot: false,
      expandRange,
      // An exclamation mark in front is one, unless a bracket follows.
      nonegate: true,
      posix: true,
      strictBrackets: true,
      windows: false,
    } as picomatch.PicomatchOptions);
  } catch (error) {
    const reason = (error as Error).message;
    throw new ArgumentError(`Cannot find files: ${describe(pattern)} is no glob: ${reason}`);
  }
}

/** `{1..12}`, `{01..12}`, `{1..9..2}` and `{a..f}` as a regular expression. */
function expandRange(...args: unknown[]): string {
  // The last one is the options.
  const [from, to, by = '1'] = args.slice(0, -1) as string[];
  if (from === undefined || to === undefined) throw new Error('a range has two ends');
  const [low, high, step] = [Number(from), Number(to), Math.abs(Number(by))];
  if (/^[a-z]$/i.test(from) && /^[a-z]$/i.test(to) && step === 1) return `[${[from, to].sort().join('-')}]`;
  if (![low, high, step].every(Number.isSafeInteger) || step === 0)
    throw new Error(`{${from}..${to}} is no range of numbers or letters`);
  const count = Math.floor(Math.abs(high - low) / step) + 1;
  if (count > MAX_RANGE_VALUES) throw new Error(`more than ${MAX_RANGE_VALUES} numbers are in a range`);
  const width = [from, to].some(text => /^-?0\d/.test(text)) ? Math.max(from.length, to.length) : 0;
  const values = Array.from({ length: count }, (_, i) => {
    const value = low + (high < low ? -1 : 1) * i * step;
    return value < 0 ? `-${`${-value}`.padStart(width - 1, '0')}` : `${value}`.padStart(width, '0');
  });
  return `(?:${values.join('|')})`;
}

/** Whether no name in a path begins with a dot. */
function isPlain(path: string): boolean {
  return !/(^|\/)\./.test(path);
}

function withoutSlash(path: string): string {
  return path.replace(/(.)\/$/, '$1');
}
