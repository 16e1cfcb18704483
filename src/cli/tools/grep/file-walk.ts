import { lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import type { NameFilter } from './name-filter.ts';

/** A file to search. */
export interface SearchedFile {
  /** As it is opened, and shown. */
  readonly name: string;
  /** Whether it was found in a directory. */
  readonly isFound: boolean;
}

/** How directories are walked. */
export interface Walk {
  /** Whether directories are walked at all; else they are yielded as files are. */
  readonly recurses: boolean;
  /** `operands`: symbolic links on the command line are followed; `all`: those in directories too. */
  readonly follows: 'operands' | 'all';
  readonly files: NameFilter;
  readonly folders: NameFilter;
  /** Told of what could not be looked at; the walk goes on. @param reason an error of the system, or words */
  complain(name: string, reason: unknown): void;
}

/** The operands, directories as the files in them, in the order in which the system lists these. */
export function* walk(operands: readonly string[], options: Walk): Generator<SearchedFile> {
  if (operands.length === 0) {
    yield* filesOf('.', '', [], options);
    return;
  }
  for (const name of operands) {
    const stats = name === '-' ? undefined : statSync(name, { throwIfNoEntry: false });
    const isFolder = stats?.isDirectory() ?? false;
    if (name !== '-' && !(isFolder ? options.folders : options.files).takes(name, true)) continue;
    if (!isFolder || !options.recurses) yield { name, isFound: false };
    else {
      yield* filesOf(name, name.endsWith('/') ? name : `${name}/`, [], options);
    }
  }
}

/**
 * @param prefix of the names of what is in the directory
 * @param above the directories that it is in
 */
function* filesOf(
  folder: string,
  prefix: string,
  above: readonly Stats[],
  options: Walk,
): Generator<SearchedFile> {
  let names: string[];
  let here: readonly Stats[];
  try {
    here = [...above, statSync(folder)];
    names = readdirSync(folder);
  } catch (error) {
    options.complain(folder, error);
    return;
  }
  for (const base of names) {
    const name = prefix + base;
    const stats = statsOf(name, options);
    if (stats?.isDirectory()) {
      if (!options.folders.takes(base, false)) continue;
      if (here.some(({ dev, ino }) => dev === stats.dev && ino === stats.ino)) {
        options.complain(name, 'warning: recursive directory loop');
      } else yield* filesOf(name, `${name}/`, here, options);
    } else if ((stats === undefined || stats.isFile()) && options.files.takes(base, false)) {
      yield { name, isFound: true };
    }
  }
}

/** Undefined where opening the file will tell what is wrong. */
function statsOf(name: string, { follows }: Walk): Stats | undefined {
  try {
    return follows === 'all' ? statSync(name) : lstatSync(name);
  } catch {
    return undefined;
  }
}
