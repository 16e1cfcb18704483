import type { BigIntStats } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { now } from '../../base/clock.ts';
import { statCached } from '../../os/page-cache.ts';
import { currentVersion } from '../load/load.ts';
import { type FileVersion, sameVersion, versionOf } from '../version/file-version.ts';
import type { FileGroup } from '../watch/file-group.ts';
import type { Folder, Lives } from '../watch/folder.ts';
import { type FileEntry, type FileStore, fileStateOf, linkStateOf } from './file-entry.ts';

/** When this part of a term is over, the next look begins: it is to have ended before the term has. */
const DUE_PART = 1 / 2;
/** How often it is seen what is due, as a part of the shorter life. */
const TICK_PART = 1 / 4;
const MIN_TICK_MS = 5;
const MAX_TICK_MS = 1000;
/** What was not used for so many milliseconds, or so many lives, is looked at when it is used again. */
const ACTIVE_MS = 10_000;
const ACTIVE_LIVES = 2;
/** Files that are looked at in one turn of the event loop: half a millisecond. */
const TURN_LOOKS = 64;
/** Files that are looked at at the same time where that takes time: others want to read too. */
const PARALLEL_LOOKS = 16;

/**
 * Looks at cached files again before the time is over that the last look is good for: all of a directory
 * together, away from those who ask for them. So what is used is never asked for on the way of a request,
 * whether its changes are told of or not.
 */
export class Confirmations {
  readonly #store: FileStore;
  readonly #lives: Lives;
  readonly #confirmLink: (entry: FileEntry, startedAt: number) => Promise<boolean>;
  /** Groups whose terms are looked after, and whose they are. */
  readonly #looked = new Map<FileGroup, Folder>();
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;
  #closed = false;

  /** @param confirmLink whether a path leads where it led, by a look that begins after a time */
  constructor(
    store: FileStore,
    lives: Lives,
    confirmLink: (entry: FileEntry, startedAt: number) => Promise<boolean>,
  ) {
    this.#store = store;
    this.#lives = lives;
    this.#confirmLink = confirmLink;
  }

  /**
   * An entry is as the disk has it at a time: it joins a group of its folder.
   * @param names how many its file has
   */
  add(entry: FileEntry, folder: Folder, names: number, checkedAt: number): void {
    const { local } = entry;
    if (local === undefined) return;
    const group = folder.groupFor(names);
    if (group !== local.group) local.group.keys.delete(entry.key);
    local.group = group;
    local.checkedAt = checkedAt;
    group.add(entry.key, checkedAt, folder.lifeOf(group));
    this.#looked.set(group, folder);
    this.#start();
  }

  /** An entry has left the store. */
  remove({ key, local }: FileEntry): void {
    local?.group.keys.delete(key);
  }

  /** Changes in a folder are not told of any more: what was seen there is good for so many milliseconds. */
  shorten({ watched, unwatched }: Folder, life: number): void {
    for (const group of [watched, unwatched]) {
      group.shorten(life);
      this.#store.renewed(group.term);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#looked.clear();
  }

  #start(): void {
    if (this.#timer !== undefined || this.#isRunning || this.#closed || this.#looked.size === 0) return;
    const { watched, unwatched } = this.#lives;
    const tick = Math.min(watched, unwatched) * TICK_PART;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        void this.#run();
      },
      Math.min(MAX_TICK_MS, Math.max(MIN_TICK_MS, tick)),
    ).unref();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    const time = now();
    for (const [group, folder] of [...this.#looked]) {
      if (this.#closed) return;
      const left = group.term.until - time;
      if (left > folder.lifeOf(group) * DUE_PART) continue;
      if (left > 0 && (await this.#confirm(folder, group))) continue;
      // Nobody uses it, or it came too late: who asks next makes another term of it.
      this.#looked.delete(group);
    }
    this.#isRunning = false;
    this.#start();
  }

  /** Looks at all files of a group that are in use. @returns whether there are any */
  async #confirm(folder: Folder, group: FileGroup): Promise<boolean> {
    const startedAt = now();
    const life = folder.lifeOf(group);
    const activeSince = startedAt - Math.max(ACTIVE_MS, ACTIVE_LIVES * life);
    const active: FileEntry[] = [];
    for (const key of group.keys) {
      const entry = this.#store.get(key);
      if (entry?.local === undefined) continue;
      if (entry.local.usedAt >= activeSince) active.push(entry);
      // It was used long ago: who has it is to ask again. A large file has one version object only.
      else if (entry.indexes > 0 && !this.#store.withdraw(entry)) active.push(entry);
    }
    if (active.length === 0 || this.#closed) return false;
    await this.#look(active, folder, startedAt);
    if (this.#closed || !folder.isAlive) return false;
    // Who was given one of the others meanwhile is to ask again: it was not looked at.
    for (const key of group.keys) {
      const entry = this.#store.get(key);
      if (entry?.local !== undefined && entry.indexes > 0 && entry.local.checkedAt < startedAt)
        this.#store.withdraw(entry);
    }
    group.confirm(startedAt, Math.min(life, folder.lifeOf(group)));
    this.#store.renewed(group.term);
    return true;
  }

  async #look(entries: readonly FileEntry[], folder: Folder, startedAt: number): Promise<void> {
    const slow: FileEntry[] = [];
    let looks = 0;
    for (const entry of entries) {
      if (!this.#isKept(entry)) continue;
      const verdict = lookNow(entry, folder);
      if (verdict === undefined) slow.push(entry);
      else this.#settle(entry, verdict, startedAt);
      looks += 1;
      if (looks % TURN_LOOKS === 0) await setImmediate();
    }
    const next = slow.values();
    const lookSome = async (): Promise<void> => {
      for (const entry of next) {
        const verdict = this.#isKept(entry) && (await this.#lookLater(entry, startedAt));
        if (this.#isKept(entry)) this.#settle(entry, verdict, startedAt);
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL_LOOKS, slow.length) }, lookSome));
  }

  async #lookLater(entry: FileEntry, startedAt: number): Promise<boolean> {
    try {
      if (linkStateOf(entry) !== undefined) return await this.#confirmLink(entry, startedAt);
      const state = fileStateOf(entry);
      if (state === undefined) return false;
      return state.settled && sameVersion(await currentVersion(entry.key), state.version);
    } catch {
      // Whoever asks for it is told why.
      return false;
    }
  }

  #settle(entry: FileEntry, isSame: boolean, startedAt: number): void {
    if (!isSame) this.#store.invalidate(entry.key, 'change');
    // What has changed meanwhile was told of meanwhile.
    else if (entry.local !== undefined && entry.local.checkedAt > 0) entry.local.checkedAt = startedAt;
  }

  #isKept(entry: FileEntry): boolean {
    return this.#store.get(entry.key) === entry;
  }
}

/**
 * Whether the disk has the version of a file that is kept. @returns undefined when that cannot be told at
 * once
 */
export function lookNow(entry: FileEntry, folder: Folder): boolean | undefined {
  const state = fileStateOf(entry);
  if (state === undefined || folder.fileSystem === 'remote') return undefined;
  const stats = statCached(entry.key);
  if (stats === undefined) return undefined;
  if (stats === 'ENOENT' || !state.settled) return false;
  const version = versionFrom(stats, entry.key);
  return version !== undefined && sameVersion(version, state.version);
}

/** @returns undefined for what is no file any more */
function versionFrom(stats: BigIntStats, path: string): FileVersion | undefined {
  try {
    return versionOf(stats, path);
  } catch {
    return undefined;
  }
}
