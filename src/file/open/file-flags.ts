import { ArgumentError, describe } from '../../base/error.ts';

/**
 * How a file is opened, as `fs.open` has it. Those with '+' are the same as those without: what may be
 * written may be read.
 */
export type FileFlags = 'r' | 'r+' | 'w' | 'w+' | 'wx' | 'wx+' | 'a' | 'a+' | 'ax' | 'ax+';

/** What flags come to. */
export interface OpenMode {
  readonly writable: boolean;
  /** A file that is not there is new. */
  readonly create: boolean;
  /** One that is there is an error. */
  readonly exclusive: boolean;
  /** It is begun anew. */
  readonly truncate: boolean;
}

const READ: OpenMode = { writable: false, create: false, exclusive: false, truncate: false };
const UPDATE: OpenMode = { ...READ, writable: true };
const APPEND: OpenMode = { ...UPDATE, create: true };
const WRITE: OpenMode = { ...APPEND, truncate: true };
const CREATE: OpenMode = { ...APPEND, exclusive: true };

const MODES: ReadonlyMap<unknown, OpenMode> = new Map<FileFlags, OpenMode>([
  ['r', READ],
  ['r+', UPDATE],
  ['w', WRITE],
  ['w+', WRITE],
  ['wx', CREATE],
  ['wx+', CREATE],
  ['a', APPEND],
  ['a+', APPEND],
  ['ax', CREATE],
  ['ax+', CREATE],
]);

/** @throws ERR_IOLITE_ARGUMENT */
export function modeOf(flags: unknown): OpenMode {
  const mode = MODES.get(flags);
  if (mode !== undefined) return mode;
  throw new ArgumentError(
    `Cannot open file: one of ${[...MODES.keys()].join(', ')} is wanted, ${describe(flags)} was given`,
  );
}
