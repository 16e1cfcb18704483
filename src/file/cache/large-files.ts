import type { FileHandle } from 'node:fs/promises';
import { Coalescer } from '../../base/coalescer.ts';
import { IoliteError, namedError } from '../../base/error.ts';
import type { Audience } from '../../memory/audience.ts';
import { Placement } from '../../store/placement.ts';
import { StoredVersion } from '../../store/stored-version.ts';
import { type ExtentSource, extentKey } from './extents.ts';
import type { FileFacts, FileState, FileStore } from './file-entry.ts';
import { LargeFile } from './large-file.ts';

/** Bytes of an extent at least: it is one segment where that is larger. */
const MIN_EXTENT_BYTES = 256 * 1024;
/** Large files that are held open at most without being used. */
const MAX_OPEN_FILES = 256;

interface LargeFilesParts {
  readonly keepPageCache: boolean;
  /** Who may see the file at a real path. */
  audienceOf(path: string): Audience;
  /** Called with the path of a file that was found to have changed. */
  onStale(path: string): void;
}

/**
 * The files of a store that are too large to be kept whole: versions without content, and extents of these.
 */
export class LargeFiles implements ExtentSource {
  hits = 0;
  misses = 0;
  readonly #store: FileStore;
  readonly #parts: LargeFilesParts;
  /** Those that are open, by the serial of their version. */
  readonly #files = new Map<number, LargeFile>();
  readonly #reads = new Coalescer<StoredVersion<FileFacts>>(
    held => held.retain(),
    held => held.release(),
  );

  constructor(store: FileStore, parts: LargeFilesParts) {
    this.#store = store;
    this.#parts = parts;
  }

  /** Keeps a file open for as long as anybody holds its version. @returns a reference for the caller */
  keep(path: string, handle: FileHandle, facts: FileFacts, state: FileState): StoredVersion<FileFacts> {
    const extent = Math.max(MIN_EXTENT_BYTES, this.#store.segmentBytes);
    const file = new LargeFile(path, state.version, handle, extent);
    const { held } = this.#store.put(path, { ...facts, extent }, state, undefined);
    const { serial } = held;
    this.#files.set(serial, file);
    held.onEnd = () => {
      this.#files.delete(serial);
      file.close();
      for (const key of file.keys) this.#store.remove(key);
    };
    held.retain();
    this.#closeUnused();
    return held;
  }

  async extent(
    file: StoredVersion<FileFacts>,
    index: number,
    signal?: AbortSignal,
  ): Promise<StoredVersion<FileFacts>> {
    const key = extentKey(file.serial, index);
    const present = this.#store.get(key);
    if (present !== undefined) {
      this.hits += 1;
      this.#store.hit(present);
      return present.held.retain();
    }
    this.misses += 1;
    return this.#reads.run(key, () => this.#read(key, file, index), { signal });
  }

  async #read(key: string, held: StoredVersion<FileFacts>, index: number): Promise<StoredVersion<FileFacts>> {
    const file = this.#files.get(held.serial);
    if (file === undefined) {
      throw new IoliteError('ERR_IOLITE_STALE', `Cannot read ${held.key}: this version of it is gone`);
    }
    const { size, extent = 1 } = held.facts;
    const start = index * extent;
    const length = Math.max(0, Math.min(extent, size - start));
    const audience = this.#parts.audienceOf(held.key);
    const target = await Placement.forContent(this.#store, length, undefined, audience);
    try {
      await file.read(target, start, this.#parts.keepPageCache);
      const room = target.takeRoom();
      if (room === undefined)
        return new StoredVersion(key, this.#store.nextSerial(), held.facts, target.takeContent());
      const { held: kept } = this.#store.put(key, held.facts, undefined, room);
      file.keys.add(key);
      this.#store.forgetPages(kept);
      return kept.retain();
    } catch (error) {
      target.discard();
      const isStale = (error as NodeJS.ErrnoException).code === 'ERR_IOLITE_STALE';
      if (isStale && this.#store.bySerial(held.serial) !== undefined) this.#parts.onStale(file.path);
      throw namedError(error, `Cannot read ${held.key}`);
    }
  }

  #closeUnused(): void {
    for (const [serial, { path }] of this.#files) {
      if (this.#files.size <= MAX_OPEN_FILES) return;
      const entry = this.#store.bySerial(serial);
      if (entry !== undefined && !entry.inUse) this.#store.remove(path);
    }
  }
}
