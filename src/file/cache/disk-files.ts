import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { Slice } from '../../aggregate/slice.ts';
import { now } from '../../base/clock.ts';
import { IoliteError } from '../../base/error.ts';
import type { Audience } from '../../memory/audience.ts';
import { SharedChunk } from '../../memory/shared-chunk.ts';
import type { PinnedVersions } from '../../store/pinned-versions.ts';
import type { InvalidatedBy } from '../../store/store-events.ts';
import type { Greeting } from '../../store/store-protocol.ts';
import type { FoundVersion, StoreOwner } from '../../store/store-service.ts';
import { StoredVersion } from '../../store/stored-version.ts';
import { ALWAYS } from '../../store/term.ts';
import { FormNames } from '../content/form-names.ts';
import { fileBeside, isSiblingName } from '../content/siblings.ts';
import { currentVersion, isInside, OutsideError } from '../load/load.ts';
import { PageDrops } from '../load/page-drops.ts';
import { type FileVersion, sameVersion } from '../version/file-version.ts';
import type { Folder, Lives } from '../watch/folder.ts';
import { Folders, type FoldersListener } from '../watch/folders.ts';
import type { ViewedFiles } from './cache-view.ts';
import { ConfinedRoots } from './confined-roots.ts';
import { Confirmations, lookNow } from './confirmations.ts';
import { type ExtentSource, parseExtentKey } from './extents.ts';
import { type FileEntry, type FileFacts, type FileStore, fileStateOf } from './file-entry.ts';
import { FileFinder, isRight, type LookedUpFile } from './file-finder.ts';
import { FileForms } from './file-forms.ts';
import { FileLoader } from './file-loader.ts';
import { LargeFiles } from './large-files.ts';
import { Links } from './links.ts';
import { checkDiskPath, MAX_LINKS, partsOf } from './path-parts.ts';

/** Hits in a batch beyond which no policy decides differently. */
const MAX_HITS = 4;
/** For people. */
const REASONS: { readonly [code: string]: string } = {
  ENOENT: 'there is nothing',
  ENOTDIR: 'a part of its path is no directory',
  EISDIR: 'it is a directory',
  EACCES: 'its owner may not read it',
  ELOOP: 'too many symbolic links',
  ERR_IOLITE_FILE: 'it is no regular file, or kept changing',
  ERR_IOLITE_CLOSED: 'the file cache is closed',
};

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
  readonly #roots: ConfinedRoots;
  readonly #drops = new PageDrops();
  /** Files of which it is being found out whether they have changed, and whether more was told meanwhile. */
  readonly #checking = new Map<string, boolean>();

  constructor(store: FileStore, options: Lives & { keepPageCache: boolean; compress: boolean }) {
    const { watched, unwatched, keepPageCache, compress } = options;
    const lives = { watched, unwatched };
    this.#store = store;
    this.#maxStale = unwatched;
    this.#roots = new ConfinedRoots(store.audiences, unwatched);
    const audienceOf = (path: string): Audience => this.#roots.audienceOf(path);
    this.#forms = new FileForms(store, compress, audienceOf);
    this.#large = new LargeFiles(store, {
      keepPageCache,
      audienceOf,
      onStale: path => this.invalidate(path, 'change'),
    });
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
      audienceOf,
      drops: keepPageCache ? undefined : this.#drops,
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
    this.#roots.add(root);
  }

  /** What a view may have lies in memory of its own from now on. */
  addView(view: ViewedFiles): void {
    this.#roots.addView(view);
    this.#store.listeners.add(view);
  }

  removeView(view: ViewedFiles): void {
    this.#roots.removeView(view);
    this.#store.listeners.delete(view);
  }

  /** Where a root is that indexes or views are confined to. */
  async realPathOf(root: string): Promise<string> {
    return this.#roots.rightNow(root) ?? (await this.#roots.lookAt(root));
  }

  find(
    key: string,
    since: number,
    root: string | undefined,
    pinned: PinnedVersions<FileFacts>,
  ): FoundVersion<FileFacts> | Promise<FoundVersion<FileFacts>> {
    const extent = parseExtentKey(key);
    if (extent === undefined) {
      checkDiskPath(key);
      const known = root === undefined ? undefined : this.#roots.rightNow(root);
      const found = root !== undefined && known === undefined ? undefined : this.#findNow(key, since, known);
      return found === undefined ? this.#findLater(key, since, root) : this.#answerFor(found, known);
    }
    const file = pinned.use(extent.serial);
    if (file !== undefined) {
      return this.extent(file, extent.index).then(held => ({
        held: root === undefined ? held : this.#heldFor(held, file.key),
        until: ALWAYS,
      }));
    }
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

  wouldKeep(key: string, size: number, uses: number, root: string | undefined): boolean {
    const realRoot = root === undefined ? undefined : this.#roots.rightNow(root);
    if (!isInside(key, root) && (realRoot === undefined || !isInside(key, realRoot))) return false;
    return this.#store.get(key) !== undefined || this.#store.admits(size, key, uses);
  }

  /** What is kept of exactly this version, if it is: a reference, which the caller releases. */
  heldOf(path: string, version: FileVersion): StoredVersion<FileFacts> | undefined {
    const entry = this.#store.get(path);
    const state = fileStateOf(entry);
    if (entry === undefined || !state?.settled || !sameVersion(state.version, version)) return undefined;
    this.hit(entry, now());
    return entry.held.retain();
  }

  /** See {@link FileCache.adopt}. */
  async adopt(path: string, version: FileVersion, content: Aggregate): Promise<boolean> {
    const startedAt = now();
    const { directory, name } = partsOf(path);
    const { folder } = await this.#folders.find(directory, 0);
    if (this.#store.closed || folder.path + name !== path) return false;
    return this.#loader.adopt(path, folder, { version, content, startedAt });
  }

  /** Forgets a file, so that the next read looks at the disk. */
  invalidate(path: string, by: InvalidatedBy = 'call'): void {
    for (let key: string | undefined = path, hops = 0; key !== undefined && hops <= MAX_LINKS; hops++) {
      this.#loader.noteChange(key);
      this.#folders.doubt(partsOf(key).directory);
      const next: string | undefined = this.#store.get(key)?.held.facts.target;
      this.#store.invalidate(key, by);
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
    this.#drops.close();
  }

  #findNow(key: string, since: number, realRoot: string | undefined): LookedUpFile | undefined {
    try {
      return this.finder.now(key, since, realRoot);
    } catch {
      return undefined;
    }
  }

  async #findLater(key: string, since: number, root: string | undefined): Promise<FoundVersion<FileFacts>> {
    if (root === undefined) return this.#answerFor(await this.finder.later(key, since, undefined), undefined);
    let realRoot = await this.realPathOf(root);
    try {
      for (;;) {
        try {
          return this.#answerFor(await this.finder.later(key, since, realRoot), realRoot);
        } catch (error) {
          if (!(error instanceof OutsideError)) throw error;
          // The root may be a link, which leads elsewhere by now.
          const present = await this.#roots.lookAt(root);
          if (present === realRoot) throw error;
          realRoot = present;
        }
      }
    } catch (error) {
      throw confinedError(error as NodeJS.ErrnoException, key, realRoot);
    }
  }

  /**
   * Where links lead to it, an index is given these, and asks for the file then.
   * @param root that it is confined to: of links that leave it and come back it is told the end
   */
  #answerFor(found: LookedUpFile, root: string | undefined): FoundVersion<FileFacts> {
    const { link } = found;
    const isContent = root !== undefined && link === undefined;
    const held = isContent ? this.#heldFor(found.held, found.held.key) : found.held;
    const entry = this.#store.bySerial((link ?? held).serial);
    // What has changed while it was read is for those who have asked, and for no time.
    const term = entry !== undefined && isRight(entry, 0, now()) ? entry.local?.group.term : undefined;
    if (link === undefined) return { held, until: 0, term };
    const { key, facts } = link;
    held.release();
    if (isInside(facts.target as string, root)) return { held: link, until: 0, term };
    link.release();
    const around = new StoredVersion<FileFacts>(
      key,
      this.#store.nextSerial(),
      { ...facts, target: held.key },
      undefined,
    );
    return { held: around, until: 0 };
  }

  /**
   * What an index that is confined to a root is given: whoever gets a content can read the memory around it,
   * which is to be of files that it may ask for. A file that was read before there was this root is copied,
   * once.
   * @param held a reference, which is exchanged @param path of the file
   */
  #heldFor(held: StoredVersion<FileFacts>, path: string): StoredVersion<FileFacts> {
    const audience = this.#roots.audienceOf(path);
    if (isFor(held, audience)) return held;
    const { key, facts, content } = held;
    try {
      const entry = this.#store.bySerial(held.serial);
      if (entry !== undefined && this.#store.moveTo(audience, entry)) return entry.held.retain();
      const { formTags: _, ...rest } = facts;
      const copy = content?.duplicate().compact(this.#store.outside(false, audience));
      return new StoredVersion<FileFacts>(key, this.#store.nextSerial(), rest, copy);
    } finally {
      held.release();
    }
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
    if (entry.local !== undefined) {
      entry.local.usedAt = time;
      entry.local.uses += times;
    }
    for (let i = 0; i < Math.min(times, MAX_HITS); i++) this.#store.hit(entry);
    this.#forms.hit(entry, times);
  }

  // Watching

  /** A form of a file has come, changed or gone: the file is read again with what forms there are. */
  #formsChanged(path: string): void {
    this.#store.invalidate(path, 'change');
  }

  /**
   * Finds out whether a file that is kept has changed, and drops it if so. It is read again when it is asked
   * for.
   */
  async #check(path: string): Promise<void> {
    this.#loader.noteChange(path);
    const entry = this.#store.get(path);
    const state = fileStateOf(entry);
    if (this.#checking.has(path)) this.#checking.set(path, true);
    if (entry === undefined || state === undefined || this.#checking.has(path)) return;
    const before = state.checkedAt;
    state.checkedAt = 0;
    const isSame = lookNow(entry, state.folder);
    if (isSame === false) this.#store.invalidate(path, 'change');
    else if (isSame === true) state.checkedAt = before;
    if (isSame !== undefined) return;
    this.#checking.set(path, false);
    let isToldMore = false;
    try {
      const version = await currentVersion(path);
      const isKept = this.#store.get(path) === entry;
      if (isKept && !(state.settled && sameVersion(version, state.version)))
        this.#store.invalidate(path, 'change');
    } catch (error) {
      this.finder.forgetVanished(path, error);
    } finally {
      isToldMore = this.#checking.get(path) === true;
      this.#checking.delete(path);
    }
    // The look may have been before that.
    if (isToldMore) await this.#check(path);
  }
}

/** Whether all memory of a version is for an audience. */
function isFor({ content, forms }: StoredVersion, audience: Audience): boolean {
  const isThere = ({ lease: { chunk } }: Slice): boolean =>
    !(chunk instanceof SharedChunk) || chunk.audience === audience;
  if (content?.slices().every(isThere) === false) return false;
  for (const form of forms.values()) if (!form.slices().every(isThere)) return false;
  return true;
}

/** What is said of a failure to who is confined to a root: nothing of where links lead. */
function confinedError(error: NodeJS.ErrnoException, path: string, root: string): Error {
  if (error instanceof OutsideError) return new OutsideError(path, root);
  const { code = 'ERR_IOLITE_FILE' } = error;
  const mayRetry = error instanceof IoliteError && error.mayRetry;
  const reason = REASONS[code] ?? 'its owner could not read it';
  return new IoliteError(code as 'ENOENT', `Cannot read ${path}: ${reason} (${code})`, { mayRetry });
}
