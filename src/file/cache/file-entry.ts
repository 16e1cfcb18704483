import type { Entry } from '../../store/entry.ts';
import type { Store } from '../../store/store.ts';
import type { ContentFacts } from '../../store/stored-version.ts';
import type { FileVersion } from '../version/file-version.ts';
import type { FileGroup } from '../watch/file-group.ts';
import type { Folder } from '../watch/folder.ts';
import type { Hop } from '../watch/folders.ts';

/** The name of the store of files in requests. */
export const FILES = 'files';

/** What all domains know of one version of a file. */
export type FileFacts = {
  readonly size: number;
  readonly mtimeMs: number;
  readonly etag: string;
  readonly mediaType: string;
  /** Of a path that leads through symbolic links: a path nearer to the file. Nothing else is true then. */
  readonly target?: string;
  /** Of a file that is kept by extents: bytes of each. */
  readonly extent?: number;
  /** Entity tags of its forms, by coding. */
  readonly formTags?: { readonly [coding: string]: string };
};

/** Whether facts that another domain sent are those of a file. */
export function areFileFacts(facts: ContentFacts): boolean {
  const { size, mtimeMs, etag, mediaType, target, extent, formTags } = facts;
  if (!isCount(size) || typeof mtimeMs !== 'number') return false;
  if (typeof etag !== 'string' || typeof mediaType !== 'string') return false;
  if (target !== undefined && (typeof target !== 'string' || target === '')) return false;
  if (extent !== undefined && !(isCount(extent) && extent > 0)) return false;
  return formTags === undefined || (typeof formTags === 'object' && formTags !== null);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** When something in a store was last seen on the disk, and who looks again. */
interface SeenState {
  /** Whose group it is in. */
  readonly folder: Folder;
  group: FileGroup;
  /** When the disk was last known to agree. 0 when it likely does not. */
  checkedAt: number;
  /** When it was last used, and how often it was since it came. */
  usedAt: number;
  uses: number;
}

/** What the owner knows of a file besides its facts. */
export interface FileState extends SeenState {
  readonly version: FileVersion;
  /** When it came into the cache. */
  readonly loadedAt: number;
  /** Whether a later change must show in the version. */
  readonly settled: boolean;
  /** After how many hits forms of it are made; 0: never, or they were. */
  hitsBeforeForms: number;
}

/** What it knows of a path that leads elsewhere: see {@link FileFacts.target}. */
export interface LinkState extends SeenState {
  readonly hops: readonly Hop[];
}

/** A file; a path that leads to one; or an extent of one, which has no state. */
export type FileEntry = Entry<FileFacts, FileState | LinkState | undefined>;
export type FileStore = Store<FileFacts, FileState | LinkState | undefined>;

/** What is known of a file; undefined for other entries. */
export function fileStateOf(entry: FileEntry | undefined): FileState | undefined {
  return entry?.local !== undefined && 'version' in entry.local ? entry.local : undefined;
}

/** What is known of a path that leads elsewhere; undefined for other entries. */
export function linkStateOf(entry: FileEntry | undefined): LinkState | undefined {
  return entry?.local !== undefined && 'hops' in entry.local ? entry.local : undefined;
}
