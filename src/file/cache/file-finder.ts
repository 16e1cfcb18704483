import type { WaitSignal } from '../../base/abortable.ts';
import { now } from '../../base/clock.ts';
import { Coalescer } from '../../base/coalescer.ts';
import { IoliteError, namedError } from '../../base/error.ts';
import { Entry } from '../../store/entry.ts';
import { tellMiss } from '../../store/store-events.ts';
import type { StoredVersion } from '../../store/stored-version.ts';
import { checkInside, currentVersion, isInside, OutsideError } from '../load/load.ts';
import { nextTurn } from '../load/next-turn.ts';
import { sameVersion } from '../version/file-version.ts';
import type { FolderPlace, Folders } from '../watch/folders.ts';
import { type Confirmations, lookNow } from './confirmations.ts';
import type { PathMemo } from './file-cache.ts';
import { type FileEntry, type FileFacts, type FileStore, fileStateOf, linkStateOf } from './file-entry.ts';
import { type FileLoader, MovedError } from './file-loader.ts';
import type { Links } from './links.ts';
import { checkDiskPath, MAX_LINKS, partsOf, tooManyLinks } from './path-parts.ts';

/** What a path leads to. References, which the caller releases. */
export interface LookedUpFile {
  /** The file. */
  readonly held: StoredVersion<FileFacts>;
  /** That of a path which leads through symbolic links. */
  readonly link: StoredVersion<FileFacts> | undefined;
  /** See {@link Snapshot.way}. */
  readonly way: number;
}

/** An entry that a path leads to. */
export interface PeekedFile {
  readonly file: FileEntry;
  /** See {@link Snapshot.way}. */
  readonly way: number;
}

/** What a finder works with. */
interface FinderParts {
  readonly folders: Folders;
  readonly confirmations: Confirmations;
  readonly links: Links;
  readonly loader: FileLoader;
  /** Milliseconds that the result of work may be old when it is joined. */
  readonly maxStale: number;
  /** Told of each use of what was in the store. */
  readonly onUsed: (entry: FileEntry, time: number) => void;
}

/** How often directories may be exchanged while a file is opened. */
const MOVE_TRIES = 4;
/** Errors that say nothing about the file: of this process, of a disk or a network that does not answer. */
const TRANSIENT = [
  ...['EMFILE', 'ENFILE', 'ENOMEM', 'EINTR', 'EAGAIN', 'EIO', 'ETIMEDOUT', 'EHOSTDOWN', 'EHOSTUNREACH'],
  ...['ERR_IOLITE_LIMIT', 'ERR_IOLITE_CLOSED', 'ERR_IOLITE_FILE'],
];

/** Finds files by their paths: in the store, if they are right there, or else on the disk. */
export class FileFinder {
  hits = 0;
  misses = 0;
  readonly #store: FileStore;
  readonly #parts: FinderParts;
  readonly #loads = new Coalescer<StoredVersion<FileFacts>>(
    held => held.retain(),
    held => held.release(),
  );

  constructor(store: FileStore, parts: FinderParts) {
    this.#store = store;
    this.#parts = parts;
  }

  /**
   * The entry of a file, or of the path itself where that leads through links to one, if it may be used
   * without a look at the disk.
   * @param time of now, or of a moment ago
   */
  peek(path: string, time: number, memo?: PathMemo): FileEntry | undefined {
    const known = memo?.entry;
    const entry = known instanceof Entry && known.isKept ? (known as FileEntry) : this.#store.get(path);
    if (memo !== undefined) memo.entry = entry;
    return entry !== undefined && isRight(entry, 0, time) ? entry : undefined;
  }

  /** The file that a path leads to through links, on the conditions of {@link peek}. */
  follow(link: FileEntry, time: number): PeekedFile | undefined {
    let entry: FileEntry | undefined = link;
    let way = 0;
    for (let hops = 0; hops <= MAX_LINKS; hops++) {
      if (entry === undefined) return undefined;
      const { target } = entry.held.facts;
      if (target === undefined) return { file: entry, way };
      way = wayThrough(way, entry.held);
      if (entry.local !== undefined) entry.local.usedAt = time;
      entry = this.peek(target, time);
    }
    return undefined;
  }

  /**
   * A file as the disk has it, or had it within the time that a look is good for.
   * @param since not earlier than this
   * @param root a real path that the file must lie in
   */
  async lookUp(path: string, since: number, root?: string, signal?: WaitSignal): Promise<LookedUpFile> {
    checkDiskPath(path);
    const found = this.now(path, since, root);
    return found ?? this.later(path, since, root, signal);
  }

  /**
   * As {@link lookUp}, if nobody has to be waited for.
   * @returns undefined when that takes time
   * @throws OutsideError
   */
  now(path: string, since: number, root: string | undefined, hops = 0): LookedUpFile | undefined {
    if (hops > MAX_LINKS || this.#loads.has(path)) return undefined;
    const entry = this.#store.get(path);
    if (entry !== undefined && this.#isRightNow(entry, since)) {
      const { target } = entry.held.facts;
      if (target === undefined) {
        checkInside(path, path, root);
        if (hops === 0) this.hits += 1;
        this.#parts.onUsed(entry, now());
        return { held: entry.held.retain(), link: undefined, way: 0 };
      }
      const found = this.now(target, since, root, hops + 1);
      if (found === undefined) return undefined;
      found.link?.release();
      return { held: found.held, link: entry.held.retain(), way: wayThrough(found.way, entry.held) };
    }
    if (entry !== undefined && linkStateOf(entry) !== undefined) return undefined;
    const { directory, name } = partsOf(path);
    const place = this.#parts.folders.peek(directory);
    if (place === undefined || place.folder.path + name !== path || !isInside(path, root)) return undefined;
    const held = this.#parts.loader.now(path, place.folder);
    if (held === undefined) return undefined;
    this.#missed(path);
    return { held, link: undefined, way: 0 };
  }

  /** As {@link lookUp}, also where that takes time. */
  async later(
    path: string,
    since: number,
    root: string | undefined,
    signal?: WaitSignal,
  ): Promise<LookedUpFile> {
    this.#missed(path);
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

  #missed(path: string): void {
    this.misses += 1;
    tellMiss(path);
  }

  /** A file that is gone, or is no longer ours to read, is not served from memory. */
  forgetVanished(path: string, error: unknown): void {
    if (error instanceof OutsideError) return;
    if (!TRANSIENT.includes((error as NodeJS.ErrnoException).code ?? ''))
      this.#store.invalidate(path, 'change');
  }

  /** Whether an entry is right, if need be by a look that takes no time. One that is not is removed. */
  #isRightNow(entry: FileEntry, since: number): boolean {
    if (isRight(entry, since, now())) return true;
    const { local } = entry;
    if (local === undefined || !local.folder.isAlive) return false;
    const startedAt = now();
    const isSame = lookNow(entry, local.folder);
    if (isSame === false) this.#store.invalidate(entry.key, 'change');
    if (isSame !== true) return false;
    this.#confirmed(entry, startedAt);
    return true;
  }

  async #followLater(
    path: string,
    since: number,
    root: string | undefined,
    signal?: WaitSignal,
  ): Promise<LookedUpFile> {
    let link: StoredVersion<FileFacts> | undefined;
    let way = 0;
    let key = path;
    try {
      for (let hops = 0; hops <= MAX_LINKS; hops++) {
        const held = await this.#lookUpOne(key, since, root, signal);
        const { target } = held.facts;
        if (target === undefined) return { held: confined(held, path, root), link, way };
        way = wayThrough(way, held);
        if (link === undefined) link = held;
        else held.release();
        key = target;
      }
      throw tooManyLinks(path);
    } catch (error) {
      link?.release();
      throw error;
    }
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
    signal: WaitSignal | undefined,
  ): Promise<StoredVersion<FileFacts>> {
    for (;;) {
      const entry = this.#store.get(key);
      if (entry !== undefined && isRight(entry, since, now())) return entry.held.retain();
      try {
        // Work that began long ago would be too old when it is done.
        const begun = Math.max(since, now() - this.#parts.maxStale);
        return await this.#loads.run(key, () => this.#confirmOrLoad(key, since, root), {
          since: begun,
          signal,
        });
      } catch (error) {
        // The work was begun under another root.
        if (!(error instanceof OutsideError) || error.root === root) throw error;
      }
    }
  }

  async #confirmOrLoad(
    path: string,
    since: number,
    root: string | undefined,
  ): Promise<StoredVersion<FileFacts>> {
    let seenAfter = since;
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          return await this.#confirmOrLoadAt(path, seenAfter, root);
        } catch (error) {
          if (!(error instanceof MovedError) || attempt === MOVE_TRIES) throw error;
          // Nobody has told of it, or not yet.
          seenAfter = now();
        }
      }
    } catch (cause) {
      const error = namedError(cause, `Cannot read ${path}`);
      this.forgetVanished(path, error);
      throw error;
    }
  }

  async #confirmOrLoadAt(
    path: string,
    since: number,
    root: string | undefined,
  ): Promise<StoredVersion<FileFacts>> {
    const startedAt = now();
    const { directory, name } = partsOf(path);
    const place = await this.#parts.folders.find(directory, since);
    if (name === '' || name === '.' || name === '..') throw directoryError(path);
    if (place.folder.path + name !== path) return this.#parts.links.put(path, place);
    const present = this.#store.get(path);
    const state = fileStateOf(present);
    if (present !== undefined && state?.settled && sameVersion(await currentVersion(path), state.version)) {
      if (this.#store.get(path) === present) {
        this.#parts.onUsed(present, startedAt);
        this.#confirmed(present, startedAt, place);
        return present.held.retain();
      }
    }
    checkInside(path, path, root);
    const { loader } = this.#parts;
    const held = loader.comesSoon(path)
      ? await this.#loadedSoon(path, place)
      : loader.now(path, place.folder);
    if (held !== undefined) return held;
    try {
      return await this.#parts.loader.load(path, place.folder, root);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOOP') throw error;
      return await this.#parts.links.read(path, place.folder, since);
    }
  }

  /** A file that the kernel is reading, if it has done so when others have had their turn. */
  async #loadedSoon(path: string, { folder }: FolderPlace): Promise<StoredVersion<FileFacts> | undefined> {
    await nextTurn();
    return this.#store.closed ? undefined : this.#parts.loader.now(path, folder);
  }

  /** The disk has the version that is kept. */
  #confirmed(entry: FileEntry, startedAt: number, place?: FolderPlace): void {
    const state = fileStateOf(entry);
    const folder = place?.folder ?? state?.folder;
    if (state !== undefined && folder !== undefined)
      this.#parts.confirmations.add(entry, folder, state.version.names, startedAt);
  }
}

/**
 * Names the links on a way: each entry of one has a number of its own, higher than those before. So that of
 * the last that was put on it is of no other way.
 */
function wayThrough(way: number, { serial }: StoredVersion<FileFacts>): number {
  return Math.max(way, serial);
}

/**
 * Whether an entry may be used without a look at the disk.
 * @param since it is to have been seen later than this
 */
export function isRight({ local }: FileEntry, since: number, time: number): boolean {
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
