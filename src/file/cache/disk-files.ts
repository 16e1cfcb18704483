import { realpathSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { now } from '../../base/clock.ts';
import { Coalescer } from '../../base/coalescer.ts';
import { IoliteError } from '../../base/error.ts';
import type { Greeting } from '../../store/store-protocol.ts';
import type { FoundVersion, StoreOwner } from '../../store/store-service.ts';
import type { StoredVersion } from '../../store/stored-version.ts';
import { ALWAYS } from '../../store/term.ts';
import type { Folder, Lives } from '../watch/folder.ts';
import { Folders, type FoldersListener, type Place } from '../watch/folders.ts';
import { Confirmations, lookNow } from './confirmations.ts';
import { type ExtentSource, parseExtentKey } from './extents.ts';
import { type FileEntry, type FileFacts, type FileStore, fileStateOf, linkStateOf } from './file-entry.ts';
import { FileForms } from './file-forms.ts';
import { FileLoader, MovedError } from './file-loader.ts';
import { sameVersion } from './file-version.ts';
import { FormNames } from './form-names.ts';
import { LargeFiles } from './large-files.ts';
import { Links } from './links.ts';
import { checkInside, currentVersion, isInside, OutsideError } from './load.ts';
import { checkDiskPath, MAX_LINKS, partsOf, tooManyLinks } from './path-parts.ts';
import { fileBeside, isSiblingName } from './siblings.ts';

/** What a path leads to. */
export interface FoundFile {
  /** The file. A reference, which the caller releases. */
  readonly held: StoredVersion<FileFacts>;
  /** That of a path which leads through symbolic links. */
  readonly link: FileEntry | undefined;
}

/** How often directories may be exchanged while a file is opened. */
const MOVE_TRIES = 4;
/** Hits in a batch beyond which no policy decides differently. */
const MAX_HITS = 4;
/** Errors that say nothing about the file. */
const TRANSIENT = ['EMFILE', 'ENFILE', 'ENOMEM', 'ERR_IOLITE_LIMIT', 'ERR_IOLITE_CLOSED', 'ERR_IOLITE_FILE'];

/** The files of the disk in a store: read once, confirmed, watched. */
export class DiskFiles implements StoreOwner<FileFacts>, ExtentSource, FoldersListener {
  readonly greeting: Greeting;
  readonly #store: FileStore;
  readonly #maxStale: number;
  readonly #forms: FileForms;
  readonly #large: LargeFiles;
  readonly #folders: Folders;
  readonly #confirmations: Confirmations;
  readonly #links: Links;
  readonly #loader: FileLoader;
  readonly #names: FormNames;
  /** Directories that indexes are confined to: their real paths. */
  readonly #roots = new Map<string, string>();
  #hits = 0;
  #misses = 0;
  readonly #loads = new Coalescer<StoredVersion<FileFacts>>(
    held => held.retain(),
    held => held.release(),
  );
  /** Files of which it is being found out whether they have changed. */
  readonly #checking = new Set<string>();

  constructor(store: FileStore, options: Lives & { keepPageCache: boolean; compress: boolean }) {
    const { watched, unwatched, keepPageCache, compress } = options;
    const lives = { watched, unwatched };
    this.#store = store;
    this.#maxStale = unwatched;
    this.greeting = { maxStale: unwatched, budget: store.budget };
    this.#forms = new FileForms(store, compress);
    this.#large = new LargeFiles(store, keepPageCache, path => this.invalidate(path));
    this.#folders = new Folders(lives, this);
    this.#confirmations = new Confirmations(store, lives, entry => this.#links.confirm(entry));
    this.#links = new Links(store, this.#folders, this.#confirmations);
    this.#names = new FormNames(unwatched);
    this.#loader = new FileLoader(store, {
      large: this.#large,
      forms: this.#forms,
      names: this.#names,
      confirmations: this.#confirmations,
      keepPageCache,
    });
    store.onRemoved = entry => {
      this.#confirmations.remove(entry);
      this.#links.removed(entry);
    };
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
    return this.#folders.watches;
  }

  /**
   * The entry of a file, or of the path itself where that leads through links to one, if it may be used
   * without a look at the disk.
   * @param time of now, or of a moment ago
   */
  peek(path: string, time: number): FileEntry | undefined {
    const entry = this.#store.get(path);
    return entry !== undefined && isRight(entry, 0, time) ? entry : undefined;
  }

  /**
   * What indexes may read is confined to a directory.
   * @param root its path, which may lead through links, also such that are exchanged later
   * @throws as realpath(3) says
   */
  confine(root: string): void {
    this.#roots.set(root, realpathSync(root));
  }

  /** The file that a path leads to through links, on the conditions of {@link peek}. */
  follow(link: FileEntry, time: number): FileEntry | undefined {
    let entry: FileEntry | undefined = link;
    for (let hops = 0; hops <= MAX_LINKS; hops++) {
      const target: string | undefined = entry?.held.facts.target;
      if (entry === undefined || target === undefined) return entry;
      if (entry.local !== undefined) entry.local.usedAt = time;
      entry = this.peek(target, time);
    }
    return undefined;
  }

  find(
    key: string,
    since: number,
    root: string | undefined,
    pinned: ReadonlyMap<number, StoredVersion<FileFacts>>,
  ): FoundVersion<FileFacts> | Promise<FoundVersion<FileFacts>> {
    const extent = parseExtentKey(key);
    if (extent === undefined) {
      checkDiskPath(key);
      const found = this.#findNow(key, since, root);
      return found === undefined ? this.#findLater(key, since, root) : this.#answerFor(found);
    }
    const file = pinned.get(extent.serial);
    if (file !== undefined) return this.extent(file, extent.index).then(held => ({ held, until: ALWAYS }));
    const message = `Cannot read an extent of version ${extent.serial}: it is not held`;
    throw new IoliteError('ERR_IOLITE_STALE', message);
  }

  bySerial(serial: number): FileEntry | undefined {
    return this.#store.bySerial(serial);
  }

  /**
   * A file as the disk has it, or had it within the time that a look is good for.
   * @param since not earlier than this
   * @param root a real path that the file must lie in
   */
  async lookUp(path: string, since: number, root?: string, signal?: AbortSignal): Promise<FoundFile> {
    checkDiskPath(path);
    const found = this.#lookUpNow(path, since, root);
    return found ?? this.#lookUpLater(path, since, root, signal);
  }

  /** A file was read from memory. */
  hit(entry: FileEntry, time: number): void {
    this.#hits += 1;
    this.#used(entry, 1, time);
  }

  used(entry: FileEntry, times: number): void {
    this.#used(entry, times, now());
  }

  /** Forgets a file, so that the next read looks at the disk. */
  invalidate(path: string): void {
    for (let key: string | undefined = path, hops = 0; key !== undefined && hops <= MAX_LINKS; hops++) {
      this.#loader.noteChange(key);
      const next: string | undefined = this.#store.get(key)?.held.facts.target;
      this.#store.remove(key);
      key = next;
    }
  }

  extent(
    file: StoredVersion<FileFacts>,
    index: number,
    signal?: AbortSignal,
  ): Promise<StoredVersion<FileFacts>> {
    return this.#large.extent(file, index, signal);
  }

  close(): void {
    this.#confirmations.close();
    this.#folders.close();
  }

  // What folders tell

  happened(folder: Folder, _event: 'rename' | 'change', name: string): void {
    if (isSiblingName(name)) {
      this.#names.changed(folder);
      this.#formsChanged(folder.path + (fileBeside(name) as string));
    }
    void this.#check(folder.path + name);
  }

  unwatched(folder: Folder): void {
    this.#confirmations.shorten(folder, this.#maxStale);
  }

  moved(folder: Folder): void {
    for (const { keys } of [folder.watched, folder.unwatched]) {
      for (const key of keys) {
        this.#loader.noteChange(key);
        const { local } = this.#store.get(key) ?? {};
        if (local !== undefined) local.checkedAt = 0;
      }
    }
    this.#confirmations.shorten(folder, 0);
  }

  redirected(paths: readonly string[]): void {
    for (const path of paths) this.#store.remove(path);
  }

  #used(entry: FileEntry, times: number, time: number): void {
    if (entry.local !== undefined) entry.local.usedAt = time;
    for (let i = 0; i < Math.min(times, MAX_HITS); i++) this.#store.hit(entry);
    this.#forms.hit(entry, times);
  }

  // Looking up

  #findNow(key: string, since: number, root: string | undefined): FoundFile | undefined {
    try {
      return this.#lookUpNow(key, since, root === undefined ? undefined : this.#roots.get(root));
    } catch {
      return undefined;
    }
  }

  async #findLater(key: string, since: number, root: string | undefined): Promise<FoundVersion<FileFacts>> {
    const realRoot = root === undefined ? undefined : (this.#roots.get(root) ?? root);
    try {
      return this.#answerFor(await this.#lookUpLater(key, since, realRoot));
    } catch (error) {
      if (!(error instanceof OutsideError) || root === undefined) throw error;
      // The root may be a link, which leads elsewhere by now.
      const present = await realpath(root).catch(() => realRoot as string);
      if (present === realRoot) throw error;
      this.#roots.set(root, present);
      return this.#answerFor(await this.#lookUpLater(key, since, present));
    }
  }

  /** Where links lead to it, an index is given these, and asks for the file then. */
  #answerFor({ held, link }: FoundFile): FoundVersion<FileFacts> {
    if (link === undefined) {
      const entry = this.#store.bySerial(held.serial);
      return { held, until: 0, term: entry?.local?.group.term };
    }
    held.release();
    return { held: link.held.retain(), until: 0, term: link.local?.group.term };
  }

  /** @returns undefined when that takes time, or fails */
  #lookUpNow(path: string, since: number, root: string | undefined, hops = 0): FoundFile | undefined {
    if (hops > MAX_LINKS || this.#loads.has(path)) return undefined;
    const entry = this.#store.get(path);
    if (entry !== undefined && this.#isRightNow(entry, since)) {
      const { target } = entry.held.facts;
      if (target === undefined) {
        checkInside(path, path, root);
        if (hops === 0) this.#hits += 1;
        this.#used(entry, 1, now());
        return { held: entry.held.retain(), link: undefined };
      }
      const found = this.#lookUpNow(target, since, root, hops + 1);
      return found === undefined ? undefined : { held: found.held, link: entry };
    }
    if (entry !== undefined && linkStateOf(entry) !== undefined) return undefined;
    const { directory, name } = partsOf(path);
    const place = this.#folders.peek(directory);
    if (place === undefined || place.folder.path + name !== path || !isInside(path, root)) return undefined;
    const held = this.#loader.now(path, place.folder);
    if (held === undefined) return undefined;
    this.#misses += 1;
    return { held, link: undefined };
  }

  /** Whether an entry is right, if need be by a look that takes no time. One that is not is removed. */
  #isRightNow(entry: FileEntry, since: number): boolean {
    if (isRight(entry, since, now())) return true;
    const { local } = entry;
    if (local === undefined || !local.folder.isAlive) return false;
    const startedAt = now();
    const isSame = lookNow(entry, local.folder);
    if (isSame === false) this.#store.remove(entry.key);
    if (isSame !== true) return false;
    this.#confirmed(entry, startedAt);
    return true;
  }

  async #lookUpLater(
    path: string,
    since: number,
    root: string | undefined,
    signal?: AbortSignal,
  ): Promise<FoundFile> {
    this.#misses += 1;
    try {
      const found = await this.#followLater(path, since, root, signal);
      // What is not kept cannot be found by a path that is.
      if (this.#store.bySerial(found.held.serial) === undefined) this.#forgetLink(path);
      return found;
    } catch (error) {
      this.#forgetLink(path);
      throw error;
    }
  }

  async #followLater(
    path: string,
    since: number,
    root: string | undefined,
    signal?: AbortSignal,
  ): Promise<FoundFile> {
    let link: FileEntry | undefined;
    let key = path;
    for (let hops = 0; hops <= MAX_LINKS; hops++) {
      const held = await this.#lookUpOne(key, since, root, signal);
      const { target } = held.facts;
      if (target === undefined) return { held: confined(held, path, root), link };
      link ??= this.#store.bySerial(held.serial);
      held.release();
      key = target;
    }
    throw tooManyLinks(path);
  }

  #forgetLink(path: string): void {
    let key = path;
    for (let hops = 0; hops <= MAX_LINKS; hops++) {
      const { target } = this.#store.get(key)?.held.facts ?? {};
      if (target === undefined) return;
      this.#store.remove(key);
      key = target;
    }
  }

  /** A file, or a path that leads elsewhere. */
  async #lookUpOne(
    key: string,
    since: number,
    root: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<StoredVersion<FileFacts>> {
    for (;;) {
      const entry = this.#store.get(key);
      if (entry !== undefined && isRight(entry, since, now())) return entry.held.retain();
      try {
        // Work that began long ago would be too old when it is done.
        const begun = Math.max(since, now() - this.#maxStale);
        return await this.#loads.run(key, () => this.#confirmOrLoad(key, root), { since: begun, signal });
      } catch (error) {
        // The work was begun under another root.
        if (!(error instanceof OutsideError) || error.root === root) throw error;
      }
    }
  }

  async #confirmOrLoad(path: string, root: string | undefined): Promise<StoredVersion<FileFacts>> {
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          return await this.#confirmOrLoadAt(path, root);
        } catch (error) {
          if (!(error instanceof MovedError) || attempt === MOVE_TRIES) throw error;
        }
      }
    } catch (error) {
      this.#forgetVanished(path, error);
      throw error;
    }
  }

  async #confirmOrLoadAt(path: string, root: string | undefined): Promise<StoredVersion<FileFacts>> {
    const startedAt = now();
    const { directory, name } = partsOf(path);
    const place = await this.#folders.find(directory);
    if (name === '' || name === '.' || name === '..') throw directoryError(path);
    if (place.folder.path + name !== path) return this.#links.put(path, place).held.retain();
    const present = this.#store.get(path);
    const state = fileStateOf(present);
    if (present !== undefined && state?.settled && sameVersion(await currentVersion(path), state.version)) {
      if (this.#store.get(path) === present) {
        this.#used(present, 1, startedAt);
        this.#confirmed(present, startedAt, place);
        return present.held.retain();
      }
    }
    checkInside(path, path, root);
    const held = this.#loader.now(path, place.folder);
    if (held !== undefined) return held;
    try {
      return await this.#loader.load(path, place.folder, root);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOOP') throw error;
      return (await this.#links.read(path, place.folder)).held.retain();
    }
  }

  /** The disk has the version that is kept. */
  #confirmed(entry: FileEntry, startedAt: number, place?: Place): void {
    const state = fileStateOf(entry);
    const folder = place?.folder ?? state?.folder;
    if (state !== undefined && folder !== undefined)
      this.#confirmations.add(entry, folder, state.version.names, startedAt);
  }

  // Watching

  /** A form of a file has come, changed or gone: the file is read again with what forms there are. */
  #formsChanged(path: string): void {
    this.#store.remove(path);
  }

  /**
   * Finds out whether a file that is kept has changed, and drops it if so. It is read again when it is asked
   * for.
   */
  async #check(path: string): Promise<void> {
    this.#loader.noteChange(path);
    const entry = this.#store.get(path);
    const state = fileStateOf(entry);
    if (entry === undefined || state === undefined || this.#checking.has(path)) return;
    const before = state.checkedAt;
    state.checkedAt = 0;
    const isSame = lookNow(entry, state.folder);
    if (isSame === false) this.#store.remove(path);
    else if (isSame === true) state.checkedAt = before;
    if (isSame !== undefined) return;
    this.#checking.add(path);
    try {
      const version = await currentVersion(path);
      if (this.#store.get(path) !== entry) return;
      if (!state.settled || !sameVersion(version, state.version)) this.#store.remove(path);
    } catch (error) {
      this.#forgetVanished(path, error);
    } finally {
      this.#checking.delete(path);
    }
  }

  /** A file that is gone, or is no longer ours to read, is not served from memory. */
  #forgetVanished(path: string, error: unknown): void {
    if (error instanceof OutsideError) return;
    if (!TRANSIENT.includes((error as NodeJS.ErrnoException).code ?? '')) this.#store.remove(path);
  }
}

/**
 * Whether an entry may be used without a look at the disk.
 * @param since it is to have been seen later than this
 */
function isRight({ local }: FileEntry, since: number, time: number): boolean {
  if (local === undefined || local.checkedAt <= since) return false;
  const { term, confirmedAt } = local.group;
  return local.checkedAt >= confirmedAt && term.until > time;
}

/** Throws, with the reference given back, unless a file lies inside the root. */
function confined(
  held: StoredVersion<FileFacts>,
  path: string,
  root: string | undefined,
): StoredVersion<FileFacts> {
  try {
    checkInside(held.key, path, root);
    return held;
  } catch (error) {
    held.release();
    throw error;
  }
}

function directoryError(path: string): IoliteError {
  return new IoliteError('EISDIR', `Cannot read ${path}: it is a directory`);
}
