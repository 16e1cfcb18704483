import { setImmediate } from 'node:timers/promises';
import { now } from '../../base/clock.ts';
import { type ChunkView, inodeOf } from '../../store/space/space-stats.ts';
import type { FileEntry, FileState, FileStore } from '../cache/file-entry.ts';
import { fileStateOf } from '../cache/file-entry.ts';
import { type OwnedFileCache, storeOf } from '../cache/owned-cache.ts';
import { type FileOrder, type FilePlace, type FileRow, FirstFiles, listPlaceOf } from './file-order.ts';
import { type LeftVersion, LeftVersions } from './left-versions.ts';

/** Files that are looked at in one turn of the event loop: about a millisecond. */
const TURN_FILES = 2000;

/** Which files are listed. */
export interface FileQuery {
  /** Part of their paths, in letters of any case; empty: all. */
  readonly search: string;
  readonly order: FileOrder;
  /** Most of them. */
  readonly count: number;
  /** Behind which: the place that the page before ended with. */
  readonly after: FilePlace | undefined;
}

/** A page of a list of files. */
export interface FilePage {
  readonly files: readonly FileRow[];
  /** How many there are in all pages. */
  readonly matches: number;
  readonly next: FilePlace | undefined;
}

/** A form of a version, or its content itself. */
interface FormView {
  /** `identity` for the content as it is. */
  readonly coding: string;
  readonly size: number;
  readonly etag: string;
  /** The chunks that it lies in. */
  readonly inodes: readonly number[];
}

/** All that is known of a cached file. Times are milliseconds since it happened. */
export interface FileView extends FileRow {
  readonly serial: number;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
  /** Bytes of an extent, where it is kept by extents. */
  readonly extent: number | undefined;
  readonly versions: readonly FormView[];
  /** Since its version was last known to be the disk's. */
  readonly sinceCheck: number;
  /** How many attached domains have it in their index, and in how many of these somebody uses it just now. */
  readonly indexes: number;
  readonly users: number;
  /** How many in this process use it. */
  readonly ownUsers: number;
  /** Versions that have left the cache since somebody looked first. */
  readonly left: readonly LeftVersion[];
}

/** Looks into a file cache from the domain that owns it; changes nothing of what it does. */
export class CacheInspection {
  readonly #store: FileStore;
  readonly #left = new LeftVersions();

  constructor(cache: OwnedFileCache) {
    this.#store = storeOf(cache);
    this.#store.listeners.add(this.#left);
  }

  /** See {@link FileStore.chunks}. */
  chunks(): readonly ChunkView[] {
    return this.#store.chunks();
  }

  /**
   * A page of the files that there are. O(files), in turns of about a millisecond. What comes and goes
   * meanwhile may be missing.
   */
  async files({ search, order, count, after }: FileQuery): Promise<FilePage> {
    const wanted = search.toLowerCase();
    const first = new FirstFiles(count, after);
    const time = now();
    let [matches, looked] = [0, 0];
    for (const entry of this.#store.entries()) {
      looked += 1;
      if (looked % TURN_FILES === 0) await setImmediate();
      const state = fileStateOf(entry);
      if (state === undefined || !entry.key.toLowerCase().includes(wanted)) continue;
      matches += 1;
      const { uses, loadedAt } = state;
      const { size } = entry.held.facts;
      first.add(listPlaceOf(entry.key, { uses, size, loadedAt }, order), () => rowOf(entry, state, time));
    }
    return { files: first.rows, matches, next: first.next };
  }

  /** A file by its real path; undefined where the cache does not have it. */
  file(path: string): FileView | undefined {
    const entry = this.#store.get(path);
    const state = fileStateOf(entry);
    if (entry === undefined || state === undefined) return undefined;
    const time = now();
    const { held, indexes, holders } = entry;
    return {
      ...rowOf(entry, state, time),
      serial: held.serial,
      modifiedAt: held.facts.mtimeMs,
      extent: held.facts.extent,
      versions: formsOf(entry),
      sinceCheck: time - state.checkedAt,
      indexes,
      users: holders,
      // One is the store's own.
      ownUsers: held.references - 1,
      left: this.#left.of(path).map(left => ({ ...left, leftAt: time - left.leftAt })),
    };
  }
}

function rowOf({ key, held }: FileEntry, { uses, loadedAt, usedAt }: FileState, time: number): FileRow {
  const { size, mediaType } = held.facts;
  const forms = [...held.forms.keys()];
  const [age, sinceUse] = [time - loadedAt, Math.max(0, time - usedAt)];
  return { path: key, size, kept: held.size, mediaType, forms, uses, age, sinceUse };
}

function formsOf({ held }: FileEntry): FormView[] {
  const { content, forms, facts } = held;
  const all = content === undefined ? [...forms] : [['identity', content] as const, ...forms];
  return all.map(([coding, bytes]) => ({
    coding,
    size: bytes.length,
    etag: (coding === 'identity' ? facts.etag : facts.formTags?.[coding]) ?? '',
    inodes: [...new Set(bytes.slices().map(({ lease }) => inodeOf(lease.chunk)))],
  }));
}
