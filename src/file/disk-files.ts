import { IoliteError } from '../os/error.ts';
import { now } from './clock.ts';
import { Coalescer } from './coalescer.ts';
import { contentTag, MAX_TAGGED_BYTES, versionTag } from './content-tag.ts';
import { type ExtentSource, extentKey, parseExtentKey } from './extents.ts';
import { checkPath, type FileFacts } from './file-cache.ts';
import { FileForms } from './file-forms.ts';
import type { Form } from './form.ts';
import { Held } from './held.ts';
import { LargeFile } from './large-file.ts';
import { checkInside, currentVersion, type LoadedFile, loadFile, OutsideError } from './load.ts';
import { mediaTypeOf } from './media-type.ts';
import { Placement } from './placement.ts';
import { fileBeside } from './siblings.ts';
import type { Entry, Store } from './store.ts';
import type { Greeting } from './store-protocol.ts';
import type { Found, StoreOwner } from './store-service.ts';
import { type FileVersion, sameVersion } from './version.ts';
import { Watcher } from './watcher.ts';

/** The name of the store of files in requests. */
export const FILES = 'files';

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

export type FileEntry = Entry<FileFacts, FileState | undefined>;
export type FileStore = Store<FileFacts, FileState | undefined>;

type LoadedHere = LoadedFile<Placement<FileFacts, FileState | undefined>>;

interface FoundFile extends Found<FileFacts> {
  readonly realPath: string;
}

/** A file of more than this part of the budget is kept by extents. */
const LARGEST_PART = 1 / 4;
/** Below this many bytes it is read whole, whatever the budget. */
const LEAST_LARGEST = 1024 ** 2;
const LEAST_EXTENT = 256 * 1024;
/** Large files that are held open at most without being used. */
const MOST_LARGE = 256;
/** A file that is used is validated ahead of time, when so much of `maxStale` is over. */
const RENEW_PART = 3 / 4;
/** The same for files that attached domains use, who hear of it late. */
const RENEW_ATTACHED_PART = 1 / 2;
/** Hits in a batch beyond which no policy decides differently. */
const MOST_HITS = 4;
/** An extent of a version is right for ever. */
const ALWAYS = Number.MAX_SAFE_INTEGER;
/** Errors that say nothing about the file. */
const TRANSIENT = ['EMFILE', 'ENFILE', 'ENOMEM', 'ERR_IOLITE_LIMIT', 'ERR_IOLITE_CLOSED', 'ERR_IOLITE_FILE'];

/** The files of the disk in a store: read once, validated, watched. */
export class DiskFiles implements StoreOwner<FileFacts>, ExtentSource {
  readonly greeting: Greeting;
  /** Whether other domains read, and whether what they may read is confined to a directory. */
  shared = false;
  confined = false;
  hits = 0;
  misses = 0;
  readonly #store: FileStore;
  readonly #maxStale: number;
  readonly #keepPageCache: boolean;
  readonly #largest: number;
  readonly #forms: FileForms;
  readonly #loads = new Coalescer<FoundFile>(
    found => ({ ...found, held: found.held.retain() }),
    ({ held }) => held.release(),
  );
  readonly #extents = new Coalescer<Held<FileFacts>>(
    held => held.retain(),
    held => held.release(),
  );
  readonly #large = new Map<number, LargeFile>();
  readonly #watcher = new Watcher(path => this.#noticed(path));
  /** Paths that lead to a file elsewhere, by where it is. */
  readonly #aliases = new Map<string, Set<string>>();
  /** Files that have changed while they were being read. */
  readonly #changed = new Set<string>();
  /** Files of which it is being found out whether they have changed. */
  readonly #checking = new Set<string>();

  constructor(store: FileStore, options: { maxStale: number; keepPageCache: boolean; compress: boolean }) {
    this.#store = store;
    this.#forms = new FileForms(store, options.compress);
    this.#maxStale = options.maxStale;
    this.#keepPageCache = options.keepPageCache;
    this.#largest = Math.max(LEAST_LARGEST, store.budget * LARGEST_PART);
    this.greeting = { maxStale: options.maxStale, budget: store.budget };
  }

  /** How many directories are watched. */
  get watched(): number {
    return this.#watcher.directories;
  }

  async find(
    key: string,
    since: number,
    root: string | undefined,
    pinned: ReadonlyMap<number, Held<FileFacts>>,
  ): Promise<Found<FileFacts>> {
    const extent = parseExtentKey(key);
    if (extent === undefined) return this.lookUp(key, since, root);
    const file = pinned.get(extent.serial);
    if (file === undefined) throw stale(`an extent of version ${extent.serial}`);
    return { held: await this.extent(file, extent.index), checkedAt: ALWAYS };
  }

  bySerial(serial: number): FileEntry | undefined {
    return this.#store.bySerial(serial);
  }

  /**
   * A file as the disk had it at `since` or later. The caller releases it.
   * @param root a real path that the file must lie in
   */
  async lookUp(path: string, since: number, root?: string, signal?: AbortSignal): Promise<FoundFile> {
    checkPath(path);
    const present = this.#store.get(path);
    if (present?.local !== undefined && present.local.checkedAt > since) {
      const { realPath, checkedAt } = present.local;
      checkInside(realPath, path, root);
      this.hit(present);
      return { held: present.held.retain(), checkedAt, realPath };
    }
    this.misses += 1;
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
    this.hits += 1;
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

  async extent(file: Held<FileFacts>, index: number, signal?: AbortSignal): Promise<Held<FileFacts>> {
    const key = extentKey(file.serial, index);
    const present = this.#store.get(key);
    if (present !== undefined) {
      this.hits += 1;
      this.#store.hit(present);
      return present.held.retain();
    }
    this.misses += 1;
    return this.#extents.run(key, () => this.#readExtent(key, file, index), { signal });
  }

  close(): void {
    this.#watcher.close();
  }

  #used(entry: FileEntry, times: number): void {
    for (let i = 0; i < Math.min(times, MOST_HITS); i++) this.#store.hit(entry);
    this.#forms.hit(entry, times);
  }

  async #renew(path: string, part: number): Promise<void> {
    const since = now() - this.#maxStale * part;
    const { held } = await this.#loads.run(path, () => this.#validateOrLoad(path, undefined), { since });
    held.release();
  }

  async #validateOrLoad(path: string, root: string | undefined): Promise<FoundFile> {
    this.#changed.delete(path);
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
    }
  }

  /** The disk has the version that is kept. */
  #confirm(entry: FileEntry, state: FileState, startedAt: number, realPath: string | undefined): FoundFile {
    const { key, held } = entry;
    this.#used(entry, 1);
    state.checkedAt = this.#changed.has(key) ? 0 : startedAt;
    state.realPath = realPath ?? state.realPath;
    this.#watcher.add(key);
    return { held: held.retain(), checkedAt: state.checkedAt, realPath: state.realPath };
  }

  async #load(path: string, root: string | undefined, startedAt: number): Promise<FoundFile> {
    this.#watcher.add(path);
    const store = this.#store;
    const loaded = await loadFile(path, {
      root,
      largest: this.#largest,
      keepPageCache: this.#keepPageCache,
      allocate: size => new Placement(store, size),
      copy: bytes => Placement.copyOf(store, bytes),
    });
    const { version, settled, realPath } = loaded;
    const facts = await factsOf(path, loaded);
    const forms =
      loaded.target === undefined ? [] : await this.#forms.beside(realPath, facts.mediaType, version);
    if (store.closed) {
      loaded.target?.discard();
      await loaded.handle?.close();
      throw new IoliteError('ERR_IOLITE_CLOSED', 'Cannot read from file cache: it is closed');
    }
    const checkedAt = this.#changed.has(path) ? 0 : startedAt;
    const hitsBeforeForms = forms.length > 0 ? 0 : this.#forms.hitsBefore(facts);
    const held = this.#keep(path, loaded, facts, { version, settled, realPath, checkedAt, hitsBeforeForms });
    return { held: this.#withForms(held, forms), checkedAt, realPath };
  }

  /** Keeps a file, if there is room. @returns a reference for the caller */
  #keep(path: string, loaded: LoadedHere, facts: FileFacts, state: FileState): Held<FileFacts> {
    const { version, target, handle, realPath } = loaded;
    if (handle !== undefined)
      return this.#keepLarge(path, new LargeFile(path, version, handle), facts, state);
    const room = target?.takeRoom();
    if (room === undefined) {
      this.#store.remove(path);
      const content = target?.takeContent();
      // A size that says nothing is not the content's.
      const size = content?.length ?? facts.size;
      return new Held(path, this.#store.nextSerial(), { ...facts, size }, content);
    }
    const { held } = this.#store.put(path, facts, state, room);
    if (this.shared && held.content !== undefined) this.#store.forgetPages(held.content);
    this.#follow(path, realPath);
    return held.retain();
  }

  /** @param held a reference, which is exchanged for one of the version with its forms if it is kept */
  #withForms(held: Held<FileFacts>, forms: readonly Form[]): Held<FileFacts> {
    const entry = this.#store.bySerial(held.serial);
    if (entry === undefined || forms.length === 0) return held;
    this.#forms.keep(entry, forms);
    if (this.#store.get(entry.key) !== entry) return held;
    held.release();
    return entry.held.retain();
  }

  #keepLarge(path: string, file: LargeFile, facts: FileFacts, state: FileState): Held<FileFacts> {
    const extent = Math.max(LEAST_EXTENT, this.#store.segmentBytes);
    const { held } = this.#store.put(path, { ...facts, extent }, state, undefined);
    const { serial } = held;
    this.#large.set(serial, file);
    held.onEnd = () => {
      this.#large.delete(serial);
      file.close();
      for (const key of file.keys) this.#store.remove(key);
    };
    this.#follow(path, state.realPath);
    held.retain();
    for (const [other, { path: otherPath }] of this.#large) {
      if (this.#large.size <= MOST_LARGE) break;
      const entry = this.#store.bySerial(other);
      if (entry !== undefined && !entry.inUse) this.#store.remove(otherPath);
    }
    return held;
  }

  async #readExtent(key: string, file: Held<FileFacts>, index: number): Promise<Held<FileFacts>> {
    const large = this.#large.get(file.serial);
    if (large === undefined) throw stale(file.key);
    const { size, extent = 1 } = file.facts;
    const start = index * extent;
    const target = new Placement(this.#store, Math.max(0, Math.min(extent, size - start)));
    try {
      await large.read(target, start, this.#keepPageCache);
      const room = target.takeRoom();
      if (room === undefined)
        return new Held(key, this.#store.nextSerial(), file.facts, target.takeContent());
      const { held } = this.#store.put(key, file.facts, undefined, room);
      large.keys.add(key);
      if (this.shared && held.content !== undefined) this.#store.forgetPages(held.content);
      return held.retain();
    } catch (error) {
      target.discard();
      if ((error as NodeJS.ErrnoException).code === 'ERR_IOLITE_STALE' && this.#store.bySerial(file.serial))
        this.invalidate(large.path);
      throw error;
    }
  }

  // Watching

  /** A path may lead to a file in another directory. */
  #follow(path: string, realPath: string): void {
    if (realPath === path) return;
    const paths = this.#aliases.get(realPath) ?? new Set();
    this.#aliases.set(realPath, paths.add(path));
    this.#watcher.add(realPath);
  }

  /** Something happened to a file. */
  #noticed(path: string): void {
    const file = fileBeside(path);
    if (file !== undefined) this.#formsChanged(file);
    void this.#check(path);
    for (const alias of this.#aliases.get(path) ?? []) {
      if (this.#store.get(alias) === undefined) this.#aliases.delete(path);
      void this.#check(alias);
    }
  }

  /** A form of a file has come, changed or gone: the file is read again with what forms there are. */
  #formsChanged(path: string): void {
    for (const each of [path, ...(this.#aliases.get(path) ?? [])]) this.#store.remove(each);
  }

  /** Finds out whether a file that is kept has changed, and drops it if so. Reading it again is for who wants it. */
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
    if (this.#loads.has(path)) this.#changed.add(path);
  }

  /** A file that is gone, or is no longer ours to read, is not served from memory. */
  #forgetVanished(path: string, error: unknown): void {
    if (error instanceof OutsideError) return;
    if (!TRANSIENT.includes((error as NodeJS.ErrnoException).code ?? '')) this.#store.remove(path);
  }
}

/** Throws, with the reference given back, unless the file lies inside the root. */
function confine(found: FoundFile, path: string, root: string | undefined): FoundFile {
  try {
    checkInside(found.realPath, path, root);
    return found;
  } catch (error) {
    found.held.release();
    throw error;
  }
}

async function factsOf(path: string, { version, settled, target }: LoadedHere): Promise<FileFacts> {
  const { size, mtimeNs } = version;
  const hashed = target !== undefined && size <= MAX_TAGGED_BYTES;
  const etag = hashed
    ? await contentTag(target.pieces.map(({ bytes }) => bytes))
    : versionTag(version, settled);
  return { size, mtimeMs: Number(mtimeNs / 1_000_000n), etag, mediaType: mediaTypeOf(path) };
}

function stale(path: string): IoliteError {
  return new IoliteError('ERR_IOLITE_STALE', `Cannot read ${path}: this version of it is gone`);
}
