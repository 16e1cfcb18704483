import type { Aggregate } from '../../aggregate/aggregate.ts';
import { now } from '../../base/clock.ts';
import { IoliteError } from '../../base/error.ts';
import type { Audience } from '../../memory/audience.ts';
import { Placement } from '../../store/placement.ts';
import { StoredVersion } from '../../store/stored-version.ts';
import { contentTag, contentTagNow, MAX_TAGGED_BYTES, versionTag } from '../content/content-tag.ts';
import type { Form } from '../content/form.ts';
import type { FormNames } from '../content/form-names.ts';
import { mayHaveForms, mediaTypeOf } from '../content/media-type.ts';
import { currentVersion, type LoadedFile, type LoadOptions, loadFile } from '../load/load.ts';
import { loadNow, loadSoon } from '../load/load-now.ts';
import type { PageDrops } from '../load/page-drops.ts';
import { type FileVersion, sameVersion } from '../version/file-version.ts';
import type { Folder } from '../watch/folder.ts';
import type { Confirmations } from './confirmations.ts';
import { closedCache } from './file-cache.ts';
import type { FileEntry, FileFacts, FileState, FileStore, LinkState } from './file-entry.ts';
import type { FileForms } from './file-forms.ts';
import type { LargeFiles } from './large-files.ts';

type FilePlacement = Placement<FileFacts, FileState | LinkState | undefined>;
type PlacedFile = LoadedFile<FilePlacement>;

/** What a loader works with. */
interface LoaderParts {
  readonly large: LargeFiles;
  readonly forms: FileForms;
  readonly confirmations: Confirmations;
  /** Where the kernel is not to keep what is kept here. */
  readonly drops: PageDrops | undefined;
  readonly names: FormNames;
  /** Who may see the file at a real path. */
  audienceOf(path: string): Audience;
}

/** A file of more than this part of the budget is kept by extents. */
const LARGEST_PART = 1 / 4;
/** While memory is short, of less: several are read at a time, some beside what the cache may have. */
const LARGEST_CONFINED_PART = 1 / 16;
/** Below this many bytes it is read whole, whatever the budget. */
const MIN_LARGE_BYTES = 1024 ** 2;

/** A path that leads elsewhere than to the file that was opened by it: something was exchanged meanwhile. */
export class MovedError extends IoliteError {
  constructor(path: string) {
    super('ERR_IOLITE_FILE', `Cannot read ${path}: directories were exchanged while it was opened`);
  }
}

/** Reads files into a store, with what is known of them. */
export class FileLoader {
  readonly #store: FileStore;
  readonly #parts: LoaderParts;
  /** Files that are being read, and whether each has changed since that began. */
  readonly #reading = new Map<string, boolean>();
  /** What the kernel has begun to read last. */
  #begun: string | undefined;

  constructor(store: FileStore, parts: LoaderParts) {
    this.#store = store;
    this.#parts = parts;
  }

  /**
   * Reads a file that the kernel has in memory.
   * @param path a real path in `folder`
   * @returns a reference, which the caller releases; undefined when that takes time
   */
  now(path: string, folder: Folder): StoredVersion<FileFacts> | undefined {
    if (folder.fileSystem === 'remote' || this.#reading.has(path)) return undefined;
    const mediaType = mediaTypeOf(path);
    const name = path.slice(folder.path.length);
    if (mayHaveForms(mediaType) && this.#parts.names.mayHaveForms(folder, name)) return undefined;
    const startedAt = now();
    const store = this.#store;
    const loaded = loadNow(path, {
      largest: largestOf(store),
      // While memory is short, reads wait for their turn.
      allocate: size =>
        store.bounds.hasMemoryFor(size)
          ? new Placement(store, size, true, path, this.#parts.audienceOf(path))
          : undefined,
    });
    this.#begun = loaded === 'begun' ? path : undefined;
    if (loaded === 'begun' || loaded === undefined) return undefined;
    const etag = contentTagNow((loaded.target as FilePlacement).pieces.map(({ bytes }) => bytes));
    if (etag === undefined) {
      loaded.target?.discard();
      return undefined;
    }
    const facts = factsWith(loaded, etag, mediaType);
    this.#dropPages(loaded);
    return this.#keep(path, loaded, facts, this.#stateOf(loaded, folder, startedAt));
  }

  /** Whether {@link now} has just said no because the kernel is reading a file from the disk. */
  comesSoon(path: string): boolean {
    return this.#begun === path;
  }

  /**
   * Reads a file.
   * @param path a real path in `folder`
   * @param root a real path that it must lie in
   * @returns a reference, which the caller releases
   * @throws MovedError; ELOOP when its last name is a symbolic link; as {@link loadFile}
   */
  async load(path: string, folder: Folder, root: string | undefined): Promise<StoredVersion<FileFacts>> {
    const startedAt = now();
    this.#reading.set(path, false);
    try {
      const options = this.#options(path, root);
      const isNear = folder.fileSystem !== 'remote';
      const loaded =
        (isNear ? await loadSoon(path, options) : undefined) ??
        (await loadFile(path, { ...options, follow: false }));
      if (loaded.realPath !== path) {
        await this.#discard(loaded);
        throw new MovedError(path);
      }
      this.#dropPages(loaded);
      return await this.#finish(path, loaded, folder, startedAt);
    } finally {
      this.#reading.delete(path);
    }
  }

  /**
   * Keeps a content that this process has written to a file, if there is room.
   * @param path a real path in `folder`
   * @param written what it is, with the version that the disk has, of a file of which every change shows; and
   *   a time since when changes of the folder are told of
   * @returns whether it is kept, as what the path leads to
   */
  async adopt(
    path: string,
    folder: Folder,
    { version, content, startedAt }: { version: FileVersion; content: Aggregate; startedAt: number },
  ): Promise<boolean> {
    const { size } = version;
    if (size !== content.length || size > largestOf(this.#store)) return false;
    if (!this.#store.bounds.hasMemoryFor(size)) return false;
    const target = Placement.adopting(this.#store, content, path, this.#parts.audienceOf(path));
    if (target === undefined) return false;
    const loaded = { version, target, handle: undefined, realPath: path, settled: true, sized: true };
    this.#reading.set(path, false);
    try {
      if (!sameVersion(await currentVersion(path), version)) return false;
      const held = await this.#finish(path, loaded, folder, startedAt);
      const isKept = this.#store.bySerial(held.serial) !== undefined;
      held.release();
      return isKept;
    } finally {
      // Kept, there is nothing left of it.
      target.discard();
      this.#reading.delete(path);
    }
  }

  /** A file has changed: what is being read of it just now may be older than that. */
  noteChange(path: string): void {
    if (this.#reading.has(path)) this.#reading.set(path, true);
  }

  /** What is kept here need not be in another cache as well. A file that grows is soon read again. */
  #dropPages({ target, realPath, grows }: PlacedFile): void {
    if (target?.isKept && grows !== true) this.#parts.drops?.later(realPath);
  }

  async #finish(
    path: string,
    loaded: PlacedFile,
    folder: Folder,
    startedAt: number,
  ): Promise<StoredVersion<FileFacts>> {
    const facts = await factsOf(path, loaded);
    const forms = loaded.target === undefined ? [] : await this.#formsBeside(path, loaded, facts, folder);
    if (this.#store.closed) {
      await this.#discard(loaded);
      throw closedCache();
    }
    const state = this.#stateOf(loaded, folder, this.#reading.get(path) ? 0 : startedAt);
    return this.#withForms(this.#keep(path, loaded, facts, state, forms.length > 0), forms);
  }

  #options(path: string, root: string | undefined): LoadOptions<FilePlacement> {
    const store = this.#store;
    return {
      root,
      largest: largestOf(store),
      allocate: size => Placement.forContent(store, size, path, this.#parts.audienceOf(path)),
      copy: bytes => Placement.copyOf(store, bytes, this.#parts.audienceOf(path)),
    };
  }

  #stateOf({ version, settled }: PlacedFile, folder: Folder, checkedAt: number): FileState {
    const group = folder.groupFor(version.names);
    const loadedAt = now();
    // A literal: V8 gives each object that is spread into another a shape of its own, 400 bytes a file.
    return {
      folder,
      group,
      checkedAt,
      usedAt: loadedAt,
      uses: 0,
      loadedAt,
      version,
      settled,
      hitsBeforeForms: 0,
    };
  }

  /** Keeps a file, if there is room. @returns a reference for the caller */
  #keep(
    path: string,
    { target, handle }: PlacedFile,
    facts: FileFacts,
    state: FileState,
    hasForms = false,
  ): StoredVersion<FileFacts> {
    if (handle !== undefined) return this.#joined(this.#parts.large.keep(path, handle, facts, state), state);
    const room = target?.takeRoom();
    if (room === undefined) {
      this.#store.remove(path);
      const content = target?.takeContent();
      // A size that says nothing is not the content's.
      const size = content?.length ?? facts.size;
      return new StoredVersion(path, this.#store.nextSerial(), { ...facts, size }, content);
    }
    state.hitsBeforeForms = hasForms ? 0 : this.#parts.forms.hitsBefore(facts);
    const { held } = this.#store.put(path, facts, state, room);
    this.#store.forgetPages(held);
    return this.#joined(held.retain(), state);
  }

  #joined(
    held: StoredVersion<FileFacts>,
    { folder, version, checkedAt }: FileState,
  ): StoredVersion<FileFacts> {
    const entry = this.#store.bySerial(held.serial);
    if (entry !== undefined && checkedAt > 0)
      this.#parts.confirmations.add(entry, folder, version.names, checkedAt);
    return held;
  }

  async #discard({ target, handle }: PlacedFile): Promise<void> {
    target?.discard();
    await handle?.close();
  }

  // Forms beside a file

  async #formsBeside(
    path: string,
    { version, target }: PlacedFile,
    { mediaType }: FileFacts,
    folder: Folder,
  ): Promise<readonly Form[]> {
    if (!mayHaveForms(mediaType)) return [];
    const { names, forms } = this.#parts;
    const name = path.slice(folder.path.length);
    if (names.mayHaveForms(folder, name)) await names.list(folder);
    if (!names.mayHaveForms(folder, name)) return [];
    const pieces = (target?.pieces ?? []).map(({ bytes }) => bytes);
    return forms.beside(path, mediaType, version, pieces);
  }

  /** @param held a reference, which is exchanged for one of the version with its forms if it is kept */
  #withForms(held: StoredVersion<FileFacts>, forms: readonly Form[]): StoredVersion<FileFacts> {
    const entry: FileEntry | undefined = this.#store.bySerial(held.serial);
    if (entry === undefined || forms.length === 0) return held;
    this.#parts.forms.keep(entry, forms);
    if (this.#store.get(entry.key) !== entry) return held;
    held.release();
    return entry.held.retain();
  }
}

/** Bytes of the largest file that is kept whole. */
function largestOf({ bounds }: FileStore): number {
  const { allowance, budget, pieceBytes } = bounds;
  const part = allowance < budget ? LARGEST_CONFINED_PART : LARGEST_PART;
  return Math.max(MIN_LARGE_BYTES, Math.min(allowance * part, pieceBytes));
}

/** A literal with all names: of what is put together each has a shape of its own, of 230 bytes. */
function factsWith({ version }: PlacedFile, etag: string, mediaType: string): FileFacts {
  return { size: version.size, mtimeMs: Number(version.mtimeNs / 1_000_000n), etag, mediaType };
}

async function factsOf(path: string, loaded: PlacedFile): Promise<FileFacts> {
  const { version, target } = loaded;
  const hashed = target !== undefined && version.size <= MAX_TAGGED_BYTES;
  const etag = hashed ? await contentTag(target.pieces.map(({ bytes }) => bytes)) : versionTag(version);
  return factsWith(loaded, etag, mediaTypeOf(path));
}
