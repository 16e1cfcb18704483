import type { Entry, Store } from '../../store/store.ts';
import type { FileVersion } from '../version/file-version.ts';

/** The name of the store of files in requests. */
export const FILES = 'files';

/** What all domains know of one version of a file. */
export type FileFacts = {
  readonly size: number;
  readonly mtimeMs: number;
  readonly etag: string;
  readonly mediaType: string;
  /** Of a file that is kept by extents: bytes of each. */
  readonly extent?: number;
  /** Entity tags of its forms, by coding. */
  readonly formTags?: { readonly [coding: string]: string };
};

/** What the owner knows of a file besides its facts. */
export interface FileState {
  readonly version: FileVersion;
  /** Whether a later change must show in the version. */
  readonly settled: boolean;
  realPath: string;
  /** When the disk was last known to agree. 0 when it likely does not. */
  checkedAt: number;
  /** After how many hits forms of it are made; 0: never, or they were. */
  hitsBeforeForms: number;
}

/** A file, or an extent of one, which has no state. */
export type FileEntry = Entry<FileFacts, FileState | undefined>;
export type FileStore = Store<FileFacts, FileState | undefined>;
