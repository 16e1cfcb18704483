import { readlink } from 'node:fs/promises';
import { now } from '../../base/clock.ts';
import { IoliteError } from '../../base/error.ts';
import { StoredVersion } from '../../store/stored-version.ts';
import type { Folder } from '../watch/folder.ts';
import type { FolderPlace, Folders, Hop } from '../watch/folders.ts';
import type { Confirmations } from './confirmations.ts';
import { type FileEntry, type FileFacts, type FileStore, type LinkState, linkStateOf } from './file-entry.ts';
import { partsOf } from './path-parts.ts';

/** What a path leads to next. */
interface Target {
  readonly target: string;
  readonly hops: readonly Hop[];
  /** That the target is in. */
  readonly folder: Folder;
  /** Since when this is right. */
  readonly foundAt: number;
  /** Whether it is told when that changes. */
  readonly isTold: boolean;
}

/** How often a link may be exchanged while it is read. */
const READ_TRIES = 4;

/**
 * Paths that lead through symbolic links to files of a store, which has each file under its real path, once.
 * Such a path is an entry without content, whose facts name a path nearer to the file.
 */
export class Links {
  readonly #store: FileStore;
  readonly #folders: Folders;
  readonly #confirmations: Confirmations;
  /** Paths that lead to a target. */
  readonly #paths = new Map<string, Set<string>>();
  /** Paths whose last name is being read, and whether it was exchanged since that began. */
  readonly #reading = new Map<string, boolean>();

  constructor(store: FileStore, folders: Folders, confirmations: Confirmations) {
    this.#store = store;
    this.#folders = folders;
    this.#confirmations = confirmations;
  }

  /**
   * Keeps where a path leads, whose directory is reached by links or is written in another way.
   * @returns a reference, which the caller releases
   */
  put(path: string, place: FolderPlace): StoredVersion<FileFacts> {
    return this.#keep(path, targetIn(path, place));
  }

  /**
   * Keeps where a path leads, of which the last name is a link. If that keeps changing, where it led.
   * @param folder that the link is in
   * @param since all that is on the way is to have been seen later than this
   * @returns a reference, which the caller releases
   * @throws EISDIR when it leads to a directory; EINVAL when it is no link any more; ENOENT, ELOOP, ...
   */
  async read(path: string, folder: Folder, since: number): Promise<StoredVersion<FileFacts>> {
    const { name } = partsOf(path);
    try {
      for (let attempt = 1; ; attempt++) {
        this.#reading.set(path, false);
        // From before it is looked at on.
        folder.addLink(name, path);
        const target = await this.#readTarget(path, folder, since);
        const isTold = target.isTold && folder.isAlive && this.#reading.get(path) === false;
        if (isTold || attempt === READ_TRIES) return this.#keep(path, { ...target, isTold });
      }
    } finally {
      this.#reading.delete(path);
      const kept = linkStateOf(this.#store.get(path));
      if (!kept?.hops.some(hop => hop.folder === folder && hop.name === name)) folder.removeLink(name, path);
    }
  }

  /** Paths lead elsewhere, or may do so. */
  redirected(paths: readonly string[]): void {
    for (const path of paths) {
      if (this.#reading.has(path)) this.#reading.set(path, true);
      this.#store.invalidate(path, 'change');
    }
  }

  /** Whether a path leads where it led, by a look that begins now. */
  async confirm(entry: FileEntry, startedAt: number): Promise<boolean> {
    const { directory, name } = partsOf(entry.key);
    const place = await this.#folders.find(directory, startedAt);
    const { target } =
      place.folder.path + name === entry.key
        ? await this.#readTarget(entry.key, place.folder, startedAt)
        : targetIn(entry.key, place);
    return target === entry.held.facts.target;
  }

  /** An entry is no longer in the store: a link, or something that links lead to. */
  removed(entry: FileEntry): void {
    const state = linkStateOf(entry);
    if (state !== undefined) this.#forget(entry, state);
    if (this.#paths.has(entry.key)) queueMicrotask(() => this.#forgetLinksTo(entry.key));
  }

  async #readTarget(path: string, folder: Folder, since: number): Promise<Target> {
    const startedAt = now();
    const text = await readlink(path);
    const { directory, name } = partsOf(text.startsWith('/') ? text : folder.path + text);
    if (['', '.', '..'].includes(name))
      throw new IoliteError('EISDIR', `Cannot read ${path}: it leads to a directory`);
    const place = await this.#folders.find(directory, since);
    const hops = [{ folder, name: partsOf(path).name }, ...place.hops];
    const foundAt = Math.min(startedAt, place.foundAt);
    return { target: place.folder.path + name, hops, folder: place.folder, foundAt, isTold: place.isTold };
  }

  /** @returns a reference for the caller */
  #keep(path: string, found: Target): StoredVersion<FileFacts> {
    const { target, hops, folder, foundAt: checkedAt } = found;
    const facts: FileFacts = { size: 0, mtimeMs: 0, etag: '', mediaType: '', target };
    if (!found.isTold) {
      this.#store.remove(path);
      return new StoredVersion(path, this.#store.nextSerial(), facts, undefined);
    }
    const state: LinkState = { folder, group: folder.unwatched, checkedAt, usedAt: now(), uses: 0, hops };
    const entry = this.#store.put(path, facts, state, undefined);
    for (const hop of hops) hop.folder.addLink(hop.name, path);
    this.#paths.set(target, (this.#paths.get(target) ?? new Set()).add(path));
    // The working directory may change, and nobody tells.
    const isTold = path.startsWith('/') && hops.every(hop => hop.folder.isCovered);
    this.#confirmations.add(entry, folder, isTold ? 1 : 2, checkedAt);
    return entry.held.retain();
  }

  #forget({ key, held }: FileEntry, { hops }: LinkState): void {
    for (const { folder, name } of hops) folder.removeLink(name, key);
    const { target = '' } = held.facts;
    const paths = this.#paths.get(target);
    paths?.delete(key);
    if (paths?.size === 0) this.#paths.delete(target);
  }

  /** Unless another version has taken its place. */
  #forgetLinksTo(target: string): void {
    if (this.#store.get(target) !== undefined) return;
    for (const path of [...(this.#paths.get(target) ?? [])]) this.#store.remove(path);
  }
}

function targetIn(path: string, { folder, hops, foundAt, isTold }: FolderPlace): Target {
  // Where nothing but directories is on the way, what is opened by the path tells.
  const since = hops.length === 0 && folder.isCovered ? now() : foundAt;
  return { target: folder.path + partsOf(path).name, hops, folder, foundAt: since, isTold };
}
