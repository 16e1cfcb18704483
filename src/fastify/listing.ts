import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, posix } from 'node:path';
import { ArgumentError } from '../base/error.ts';
import type { Reply } from './framework.ts';

/** What is below a directory, all of it and at its top. */
export interface FolderFacts {
  /** Files at its top. */
  fileCount: number;
  /** Files, all of them. */
  totalFileCount: number;
  /** Directories at its top. */
  folderCount: number;
  /** Directories, all of them. */
  totalFolderCount: number;
  /** Bytes of all files. */
  totalSize: number;
  /** The newest change: milliseconds since the epoch. */
  lastModified: number;
}

/** An entry of a directory, for a page. */
export interface ListedEntry {
  /** The address that leads there. */
  readonly href: string;
  /** The name of the file or directory. */
  readonly name: string;
  /** What stat(2) says. */
  readonly stats: Stats;
  /** What is below a directory, with `extendedFolderInfo`. */
  readonly extendedInfo?: FolderFacts | undefined;
}

/** How directories are listed. */
export interface ListOptions {
  /** Default json. A query of `format=json` or `format=html` goes before it. */
  readonly format?: 'json' | 'html' | undefined;
  /** Last segments of paths that mean the list of their directory; '/' for a slash at the end. */
  readonly names?: readonly string[] | undefined;
  /** Adds to directories what is below them, which takes a walk through all of it. Default false. */
  readonly extendedFolderInfo?: boolean | undefined;
  /** Names alone (default), or with what stat(2) says. */
  readonly jsonFormat?: 'names' | 'extended' | undefined;
  /** Makes the page. */
  readonly render?: ((dirs: ListedEntry[], files: ListedEntry[]) => string) | undefined;
}

interface Entry {
  readonly name: string;
  readonly stats: Stats;
  readonly extendedInfo?: FolderFacts;
}

/** Where a list is asked for. */
export interface ListPlace {
  /** On the disk. */
  readonly directory: string;
  /** Below the prefix, as it was asked for. */
  readonly route: string;
  readonly prefix: string;
  /** Whether names that begin with a dot are left out. */
  readonly hidesDots: boolean;
}

/** Whether a path means the list of its directory, where it names no file. */
export function namesList(route: string, { names }: ListOptions): boolean {
  return (
    names !== undefined && (names.includes(basename(route)) || (names.includes('/') && route.endsWith('/')))
  );
}

/**
 * Sends the list of a directory; leaves it to the handler of unknown routes if there is none.
 * @throws ERR_IOLITE_ARGUMENT when a page is asked for and nobody makes one
 */
export async function sendList(reply: Reply, options: ListOptions, place: ListPlace): Promise<void> {
  const { render } = options;
  const { format = options.format } = (reply.request.query ?? {}) as { format?: string };
  if (format === 'html' && render === undefined) {
    throw new ArgumentError('Cannot list as html: a function is wanted for list.render, none was given');
  }
  let entries: Entry[];
  try {
    entries = await entriesOf(place, options.extendedFolderInfo === true);
  } catch {
    reply.callNotFound();
    return;
  }
  const dirs = entries.filter(({ stats }) => stats.isDirectory());
  const files = entries.filter(({ stats }) => !stats.isDirectory());
  if (format === 'html' && render !== undefined) {
    const route = options.names?.includes(basename(place.route))
      ? posix.join(place.route, '..')
      : place.route;
    const listed = (list: Entry[]): ListedEntry[] =>
      list.map(each => ({ ...each, href: hrefOf(posix.join(place.prefix, route, each.name)) }));
    reply.type('text/html').send(render(listed(dirs), listed(files)));
  } else if (options.jsonFormat === 'extended') reply.send({ dirs, files });
  else reply.send({ dirs: dirs.map(({ name }) => name), files: files.map(({ name }) => name) });
}

async function entriesOf({ directory, hidesDots }: ListPlace, isExtended: boolean): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const name of (await readdir(directory)).sort((a, b) => a.localeCompare(b))) {
    if (hidesDots && name.startsWith('.')) continue;
    const stats = await stat(join(directory, name)).catch(() => undefined);
    if (stats === undefined) continue;
    const isFolder = isExtended && stats.isDirectory();
    entries.push(
      isFolder ? { name, stats, extendedInfo: await factsOf(join(directory, name)) } : { name, stats },
    );
  }
  return entries;
}

async function factsOf(directory: string): Promise<FolderFacts> {
  const facts = {
    totalSize: 0,
    fileCount: 0,
    totalFileCount: 0,
    folderCount: 0,
    totalFolderCount: 0,
    lastModified: 0,
  };
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const stats = await stat(path).catch(() => undefined);
    if (stats === undefined) continue;
    if (stats.isDirectory()) {
      const below = await factsOf(path);
      facts.folderCount += 1;
      facts.totalFolderCount += 1 + below.totalFolderCount;
      facts.totalFileCount += below.totalFileCount;
      facts.totalSize += below.totalSize;
      facts.lastModified = Math.max(facts.lastModified, below.lastModified);
    } else {
      facts.fileCount += 1;
      facts.totalFileCount += 1;
      facts.totalSize += stats.size;
      facts.lastModified = Math.max(facts.lastModified, stats.mtimeMs);
    }
  }
  return facts;
}

function hrefOf(path: string): string {
  return encodeURI(path).replace(/[#?]/g, encodeURIComponent);
}
