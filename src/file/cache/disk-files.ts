import { realpathSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { now } from '../../base/clock.ts';
import { IoliteError } from '../../base/error.ts';
import type { Greeting } from '../../store/store-protocol.ts';
import type { FoundVersion, StoreOwner } from '../../store/store-service.ts';
import type { StoredVersion } from '../../store/stored-version.ts';
import { ALWAYS } from '../../store/term.ts';
import { FormNames } from '../content/form-names.ts';
import { fileBeside, isSiblingName } from '../content/siblings.ts';
import { sameVersion } from '../version/file-version.ts';
import type { Folder, Lives } from '../watch/folder.ts';
import { Folders, type FoldersListener } from '../watch/folders.ts';
import { Confirmations, lookNow } from './confirmations.ts';
import { type ExtentSource, parseExtentKey } from './extents.ts';
import { type FileEntry, type FileFacts, type FileStore, fileStateOf } from './file-entry.ts';
import { FileFinder, isRight, type LookedUpFile } from './file-finder.ts';
import { FileForms } from './file-forms.ts';
import { FileLoader } from './file-loader.ts';
import { LargeFiles } from './large-files.ts';
import { Links } from './links.ts';
import { currentVersion, OutsideError } from './load.ts';
import { checkDiskPath, MAX_LINKS, partsOf } from './path-parts.ts';

/** Hits in a batch beyond which no policy decides differently. */
const MAX_HITS = 4;
/** The files of the disk in a store: read once, confirmed, watched. */
export class DiskFiles implements StoreOwner<FileFacts>, ExtentSource, FoldersListener {
  readonly finder: FileFinder;
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
  /** Files of which it is being found out whether they have changed. */
  readonly #checking = new Set<string>();

  constructor(store: FileStore, options: Lives & { keepPageCache: boolean; compress: boolean }) {
    const { watched, unwatched, keepPageCache, compress } = options;
    const lives = { watched, unwatched };
    this.#store = store;
    this.#maxStale = unwatched;
    this.#forms = new FileForms(store, compress);
    this.#large = new LargeFiles(store, keepPageCache, path => this.invalidate(path));
    this.#folders = new Folders(lives, this);
    this.#confirmations = new Confirmations(store, lives, (entry, startedAt) =>
      this.#links.confirm(entry, startedAt),
    );
    this.#links = new Links(store, this.#folders, this.#confirmations);
    this.#names = new FormNames(unwatched);
    this.#loader = new FileLoader(store, {
      large: this.#large,
      forms: this.#forms,
      names: this.#names,
      confirmations: this.#confirmations,
      keepPageCache,
    });
    this.finder = new FileFinder(store, {
      folders: this.#folders,
      confirmations: this.#confirmations,
      links: this.#links,
      loader: this.#loader,
      maxStale: unwatched,
      onUsed: (entry, time) => this.#used(entry, 1, time),
    });
    store.onRemoved = entry => {
      this.#confirmations.remove(entry);
      this.#links.removed(entry);
    };
  }

  get greeting(): Greeting {
    return { maxStale: this.#maxStale, budget: this.#store.budget };
  }

  /** Reads answered from memory, and those that waited for the disk. */
  get hits(): number {
    return this.finder.hits + this.#large.hits;
  }

  get misses(): number {
    return this.finder.misses + this.#large.misses;
  }

  /** How many directories are watched. */
  get watched(): number {
    return this.#folders.watches;
  }

  /**
   * What indexes may read is confined to a directory.
   * @param root its path, which may lead through links, also such that are exchanged later
   * @throws as realpath(3) says
   */
  confine(root: string): void {
    this.#roots.set(root, realpathSync(root));
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

  /** A file was read from memory. */
  hit(entry: FileEntry, time: number): void {
    this.finder.hits += 1;
    this.#used(entry, 1, time);
  }

  used(entry: FileEntry, times: number): void {
    this.#used(entry, times, now());
  }

  /** Forgets a file, so that the next read looks at the disk. */
  invalidate(path: string): void {
    for (let key: string | undefined = path, hops = 0; key !== undefined && hops <= MAX_LINKS; hops++) {
      this.#loader.noteChange(key);
      this.#folders.doubt(partsOf(key).directory);
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

  #findNow(key: string, since: number, root: string | undefined): LookedUpFile | undefined {
    try {
      return this.finder.now(key, since, root === undefined ? undefined : this.#roots.get(root));
    } catch {
      return undefined;
    }
  }

  async #findLater(key: string, since: number, root: string | undefined): Promise<FoundVersion<FileFacts>> {
    const realRoot = root === undefined ? undefined : (this.#roots.get(root) ?? root);
    try {
      return this.#answerFor(await this.finder.later(key, since, realRoot));
    } catch (error) {
      if (!(error instanceof OutsideError) || root === undefined) throw error;
      // The root may be a link, which leads elsewhere by now.
      const present = await realpath(root).catch(() => realRoot as string);
      if (present === realRoot) throw error;
      this.#roots.set(root, present);
      return this.#answerFor(await this.finder.later(key, since, present));
    }
  }

  /** Where links lead to it, an index is given these, and asks for the file then. */
  #answerFor({ held, link }: LookedUpFile): FoundVersion<FileFacts> {
    const entry = this.#store.bySerial((link ?? held).serial);
    // What has changed while it was read is for those who have asked, and for no time.
    const term = entry !== undefined && isRight(entry, 0, now()) ? entry.local?.group.term : undefined;
    if (link === undefined) return { held, until: 0, term };
    held.release();
    return { held: link, until: 0, term };
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
    this.#links.redirected(paths);
  }

  #used(entry: FileEntry, times: number, time: number): void {
    if (entry.local !== undefined) entry.local.usedAt = time;
    for (let i = 0; i < Math.min(times, MAX_HITS); i++) this.#store.hit(entry);
    this.#forms.hit(entry, times);
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
      this.finder.forgetVanished(path, error);
    } finally {
      this.#checking.delete(path);
    }
  }
}
