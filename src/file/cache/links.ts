import { readlink } from 'node:fs/promises';
import { now } from '../../base/clock.ts';
import { IoliteError } from '../../base/error.ts';
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
}

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

  constructor(store: FileStore, folders: Folders, confirmations: Confirmations) {
    this.#store = store;
    this.#folders = folders;
    this.#confirmations = confirmations;
  }

  /** Keeps where a path leads, whose directory is reached by links or is written in another way. */
  put(path: string, place: FolderPlace): FileEntry {
    return this.#keep(path, targetIn(path, place), now());
  }

  /**
   * Keeps where a path leads, of which the last name is a link.
   * @param folder that the link is in
   * @throws EISDIR when it leads to a directory; EINVAL when it is no link any more; ENOENT, ELOOP, ...
   */
  async read(path: string, folder: Folder): Promise<FileEntry> {
    const startedAt = now();
    return this.#keep(path, await this.#readTarget(path, folder), startedAt);
  }

  /** Whether a path leads where it led. */
  async confirm(entry: FileEntry): Promise<boolean> {
    const { directory, name } = partsOf(entry.key);
    const place = await this.#folders.find(directory);
    const { target } =
      place.folder.path + name === entry.key
        ? await this.#readTarget(entry.key, place.folder)
        : targetIn(entry.key, place);
    return target === entry.held.facts.target;
  }

  /** An entry is no longer in the store: a link, or something that links lead to. */
  removed(entry: FileEntry): void {
    const state = linkStateOf(entry);
    if (state !== undefined) this.#forget(entry, state);
    if (this.#paths.has(entry.key)) queueMicrotask(() => this.#forgetLinksTo(entry.key));
  }

  async #readTarget(path: string, folder: Folder): Promise<Target> {
    const text = await readlink(path);
    const { directory, name } = partsOf(text.startsWith('/') ? text : folder.path + text);
    if (['', '.', '..'].includes(name))
      throw new IoliteError('EISDIR', `Cannot read ${path}: it leads to a directory`);
    const place = await this.#folders.find(directory);
    const hops = [{ folder, name: partsOf(path).name }, ...place.hops];
    return { target: place.folder.path + name, hops, folder: place.folder };
  }

  #keep(path: string, { target, hops, folder }: Target, checkedAt: number): FileEntry {
    const facts: FileFacts = { size: 0, mtimeMs: 0, etag: '', mediaType: '', target };
    const state: LinkState = { folder, group: folder.unwatched, checkedAt, usedAt: now(), hops };
    const entry = this.#store.put(path, facts, state, undefined);
    for (const hop of hops) hop.folder.addLink(hop.name, path);
    this.#paths.set(target, (this.#paths.get(target) ?? new Set()).add(path));
    // The working directory may change, and nobody tells.
    const isTold = path.startsWith('/') && hops.every(hop => hop.folder.isCovered);
    this.#confirmations.add(entry, folder, isTold ? 1 : 2, checkedAt);
    return entry;
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

function targetIn(path: string, { folder, hops }: FolderPlace): Target {
  return { target: folder.path + partsOf(path).name, hops, folder };
}
