import { now } from '../../base/clock.ts';
import { Coalescer } from '../../base/coalescer.ts';
import { IoliteError } from '../../base/error.ts';
import { Placement } from '../../store/placement.ts';
import type { Greeting } from '../../store/store-protocol.ts';
import type { CheckedVersion, StoreOwner } from '../../store/store-service.ts';
import { StoredVersion } from '../../store/stored-version.ts';
import { contentTag, MAX_TAGGED_BYTES, versionTag } from './content-tag.ts';
import { type ExtentSource, parseExtentKey } from './extents.ts';
import { checkFilePath, closedCache } from './file-cache.ts';
import type { FileEntry, FileFacts, FileState, FileStore } from './file-entry.ts';
import { FileForms } from './file-forms.ts';
import { sameVersion } from './file-version.ts';
import type { Form } from './form.ts';
import { LargeFiles } from './large-files.ts';
import { checkInside, currentVersion, type LoadedFile, loadFile, OutsideError } from './load.ts';
import { mediaTypeOf } from './media-type.ts';
import { fileBeside } from './siblings.ts';
import { Watcher } from './watcher.ts';

type PlacedFile = LoadedFile<Placement<FileFacts, FileState | undefined>>;

interface CheckedFile extends CheckedVersion<FileFacts> {
  readonly realPath: string;
}

/** A file of more than this part of the budget is kept by extents. */
const LARGEST_PART = 1 / 4;
/** While memory is short, of less: several are read at a time, some beside what the cache may have. */
const LARGEST_CONFINED_PART = 1 / 16;
/** Below this many bytes it is read whole, whatever the budget. */
const MIN_LARGE_BYTES = 1024 ** 2;
/** A file that is used is validated ahead of time, when so much of `maxStale` is over. */
const RENEW_PART = 3 / 4;
/** The same for files that attached domains use, who hear of it late. */
const RENEW_ATTACHED_PART = 1 / 2;
/** Hits in a batch beyond which no policy decides differently. */
const MAX_HITS = 4;
/** An extent of a version is right for ever. */
const ALWAYS = Number.MAX_SAFE_INTEGER;
/** Errors that say nothing about the file. */
const TRANSIENT = ['EMFILE', 'ENFILE', 'ENOMEM', 'ERR_IOLITE_LIMIT', 'ERR_IOLITE_CLOSED', 'ERR_IOLITE_FILE'];

/** The files of the disk in a store: read once, validated, watched. */
export class DiskFiles implements StoreOwner<FileFacts>, ExtentSource {
  /** Whether what some domain may read is confined to a directory. */
  confined = false;
  readonly #store: FileStore;
  readonly #maxStale: number;
  readonly #keepPageCache: boolean;
  readonly #forms: FileForms;
  #hits = 0;
  #misses = 0;
  readonly #loads = new Coalescer<CheckedFile>(
    found => ({ ...found, held: found.held.retain() }),
    ({ held }) => held.release(),
  );
  readonly #large: LargeFiles;
  readonly #watcher = new Watcher(
    path => this.#noticed(path),
    path => this.#store.get(path) !== undefined,
  );
  /** Files that are being read, and whether each has changed since that began. */
  readonly #reading = new Map<string, boolean>();
  /** Files of which it is being found out whether they have changed. */
  readonly #checking = new Set<string>();

  constructor(store: FileStore, options: { maxStale: number; keepPageCache: boolean; compress: boolean }) {
    this.#store = store;
    this.#forms = new FileForms(store, options.compress);
    this.#large = new LargeFiles(store, options.keepPageCache, path => this.invalidate(path));
    this.#maxStale = options.maxStale;
    this.#keepPageCache = options.keepPageCache;
  }

  get greeting(): Greeting {
    return { maxStale: this.#maxStale, budget: this.#store.budget };
  }

  /** Reads answered from memory, and those that waited for the disk. */
  get hits(): number {
    return this.#hits + this.#large.hits;
  }

  get misses(): number {
    return this.#misses + this.#large.misses;
  }

  /** How many directories are watched. */
  get watched(): number {
    return this.#watcher.directories;
  }

  async find(
    key: string,
    since: number,
    root: string | undefined,
    pinned: ReadonlyMap<number, StoredVersion<FileFacts>>,
  ): Promise<CheckedVersion<FileFacts>> {
    const extent = parseExtentKey(key);
    if (extent === undefined) return this.lookUp(key, since, root);
    const file = pinned.get(extent.serial);
    if (file === undefined) {
      const message = `Cannot read an extent of version ${extent.serial}: it is not held`;
      throw new IoliteError('ERR_IOLITE_STALE', message);
    }
    return { held: await this.extent(file, extent.index), checkedAt: ALWAYS };
  }

  bySerial(serial: number): FileEntry | undefined {
    return this.#store.bySerial(serial);
  }

  /**
   * A file as the disk had it at `since` or later. The caller releases it.
   * @param root a real path that the file must lie in
   */
  async lookUp(path: string, since: number, root?: string, signal?: AbortSignal): Promise<CheckedFile> {
    checkFilePath(path);
    const present = this.#store.get(path);
    if (present?.local !== undefined && present.local.checkedAt > since) {
      const { realPath, checkedAt } = present.local;
      checkInside(realPath, path, root);
      this.hit(present);
      return { held: present.held.retain(), checkedAt, realPath };
    }
    this.#misses += 1;
    for (;;) {
      try {
        const found = await this.#loads.run(path, () => this.#validateOrLoad(path, root), { since, signal });
        return confine(found, path, root);
      } catch (error) {
        // The work was begun under another root.
        if (!(error instanceof OutsideError) || error.root === root) throw error;
      }
    }
  }

  /** A file was read from memory. */
  hit(entry: FileEntry): void {
    this.#hits += 1;
    this.#used(entry, 1);
  }

  /** Sees to it that a file that is in use does not become too old. */
  renewAhead(path: string, { checkedAt }: FileState): void {
    if (now() - checkedAt < this.#maxStale * RENEW_PART || this.#loads.has(path)) return;
    this.#renew(path, RENEW_PART).catch(() => {});
  }

  async used(entry: FileEntry, times: number): Promise<number> {
    this.#used(entry, times);
    const { key, local, held } = entry;
    if (local === undefined) return ALWAYS;
    if (this.#maxStale === 0) return 0;
    if (now() - local.checkedAt > this.#maxStale * RENEW_ATTACHED_PART) {
      try {
        await this.#renew(key, RENEW_ATTACHED_PART);
      } catch {
        return 0;
      }
    }
    return this.#store.get(key)?.held === held ? local.checkedAt : 0;
  }

  /** Forgets a file, so that the next read looks at the disk. */
  invalidate(path: string): void {
    this.#noteChange(path);
    this.#store.remove(path);
  }

  extent(
    file: StoredVersion<FileFacts>,
    index: number,
    signal?: AbortSignal,
  ): Promise<StoredVersion<FileFacts>> {
    return this.#large.extent(file, index, signal);
  }

  close(): void {
    this.#watcher.close();
  }

  #used(entry: FileEntry, times: number): void {
    for (let i = 0; i < Math.min(times, MAX_HITS); i++) this.#store.hit(entry);
    this.#forms.hit(entry, times);
  }

  async #renew(path: string, part: number): Promise<void> {
    const since = now() - this.#maxStale * part;
    const { held } = await this.#loads.run(path, () => this.#validateOrLoad(path, undefined), { since });
    held.release();
  }

  async #validateOrLoad(path: string, root: string | undefined): Promise<CheckedFile> {
    this.#reading.set(path, false);
    const startedAt = now();
    try {
      const present = this.#store.get(path);
      if (present?.local?.settled) {
        const { version, realPath } = await currentVersion(path, this.confined);
        if (this.#store.get(path) === present && sameVersion(version, present.local.version))
          return this.#confirm(present, present.local, startedAt, realPath);
      }
      return await this.#load(path, root, startedAt);
    } catch (error) {
      this.#forgetVanished(path, error);
      throw error;
    } finally {
      this.#reading.delete(path);
    }
  }

  /** The disk has the version that is kept. */
  #confirm(entry: FileEntry, state: FileState, startedAt: number, realPath: string | undefined): CheckedFile {
    const { key, held } = entry;
    this.#used(entry, 1);
    state.checkedAt = this.#reading.get(key) ? 0 : startedAt;
    state.realPath = realPath ?? state.realPath;
    this.#watcher.add(key, state.realPath);
    return { held: held.retain(), checkedAt: state.checkedAt, realPath: state.realPath };
  }

  async #load(path: string, root: string | undefined, startedAt: number): Promise<CheckedFile> {
    this.#watcher.add(path, path);
    const store = this.#store;
    const loaded = await loadFile(path, {
      root,
      largest: largestOf(store),
      keepPageCache: this.#keepPageCache,
      allocate: size => Placement.forContent(store, size),
      copy: bytes => Placement.copyOf(store, bytes),
    });
    const { version, settled, realPath, target } = loaded;
    const facts = await factsOf(path, loaded);
    const forms = target === undefined ? [] : await this.#forms.beside(realPath, facts.mediaType, version);
    if (store.closed) {
      target?.discard();
      await loaded.handle?.close();
      throw closedCache();
    }
    const checkedAt = this.#reading.get(path) ? 0 : startedAt;
    const hitsBeforeForms = forms.length > 0 ? 0 : this.#forms.hitsBefore(facts);
    const held = this.#keep(path, loaded, facts, { version, settled, realPath, checkedAt, hitsBeforeForms });
    return { held: this.#withForms(held, forms), checkedAt, realPath };
  }

  /** Keeps a file, if there is room. @returns a reference for the caller */
  #keep(path: string, loaded: PlacedFile, facts: FileFacts, state: FileState): StoredVersion<FileFacts> {
    const { target, handle, realPath } = loaded;
    this.#watcher.add(path, realPath);
    if (handle !== undefined) return this.#large.keep(path, handle, facts, state);
    const room = target?.takeRoom();
    if (room === undefined) {
      this.#store.remove(path);
      const content = target?.takeContent();
      // A size that says nothing is not the content's.
      const size = content?.length ?? facts.size;
      return new StoredVersion(path, this.#store.nextSerial(), { ...facts, size }, content);
    }
    const { held } = this.#store.put(path, facts, state, room);
    this.#store.forgetPages(held);
    return held.retain();
  }

  /** @param held a reference, which is exchanged for one of the version with its forms if it is kept */
  #withForms(held: StoredVersion<FileFacts>, forms: readonly Form[]): StoredVersion<FileFacts> {
    const entry = this.#store.bySerial(held.serial);
    if (entry === undefined || forms.length === 0) return held;
    this.#forms.keep(entry, forms);
    if (this.#store.get(entry.key) !== entry) return held;
    held.release();
    return entry.held.retain();
  }

  // Watching

  /** Something happened to a file. */
  #noticed(path: string): void {
    const file = fileBeside(path);
    if (file !== undefined) for (const each of this.#watcher.namesOf(file)) this.#formsChanged(each);
    for (const each of this.#watcher.namesOf(path)) void this.#check(each);
  }

  /** A form of a file has come, changed or gone: the file is read again with what forms there are. */
  #formsChanged(path: string): void {
    this.#store.remove(path);
  }

  /**
   * Finds out whether a file that is kept has changed, and drops it if so. It is read again when it
   * is asked for.
   */
  async #check(path: string): Promise<void> {
    this.#noteChange(path);
    const entry = this.#store.get(path);
    if (entry?.local === undefined || this.#checking.has(path)) return;
    entry.local.checkedAt = 0;
    this.#checking.add(path);
    try {
      const { version } = await currentVersion(path, false);
      if (this.#store.get(path) !== entry) return;
      if (!entry.local.settled || !sameVersion(version, entry.local.version)) this.#store.remove(path);
    } catch (error) {
      this.#forgetVanished(path, error);
    } finally {
      this.#checking.delete(path);
    }
  }

  /** What is being read of a file just now may be older than its last change. */
  #noteChange(path: string): void {
    if (this.#reading.has(path)) this.#reading.set(path, true);
  }

  /** A file that is gone, or is no longer ours to read, is not served from memory. */
  #forgetVanished(path: string, error: unknown): void {
    if (error instanceof OutsideError) return;
    if (!TRANSIENT.includes((error as NodeJS.ErrnoException).code ?? '')) this.#store.remove(path);
  }
}

/** Bytes of the largest file that is kept whole. */
function largestOf({ bounds }: FileStore): number {
  const { allowance, budget, pieceBytes } = bounds;
  const part = allowance < budget ? LARGEST_CONFINED_PART : LARGEST_PART;
  return Math.max(MIN_LARGE_BYTES, Math.min(allowance * part, pieceBytes));
}

/** Throws, with the reference given back, unless the file lies inside the root. */
function confine(found: CheckedFile, path: string, root: string | undefined): CheckedFile {
  try {
    checkInside(found.realPath, path, root);
    return found;
  } catch (error) {
    found.held.release();
    throw error;
  }
}

async function factsOf(path: string, { version, settled, target }: PlacedFile): Promise<FileFacts> {
  const { size, mtimeNs } = version;
  const hashed = target !== undefined && size <= MAX_TAGGED_BYTES;
  const etag = hashed
    ? await contentTag(target.pieces.map(({ bytes }) => bytes))
    : versionTag(version, settled);
  return { size, mtimeMs: Number(mtimeNs / 1_000_000n), etag, mediaType: mediaTypeOf(path) };
}
