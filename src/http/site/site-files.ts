import { extname } from 'node:path';
import type { WaitSignal } from '../../base/abortable.ts';
import { RecentMap } from '../../base/recent-map.ts';
import type { Repeatable } from '../../base/repeatable.ts';
import type { Snapshot } from '../../file/cache/file-cache.ts';
import { hasSmallMemory } from '../../os/container/small-memory.ts';
import type { RequestNotes } from '../message/exchange.ts';
import { statusOf } from '../message/status-of-error.ts';
import { type Choice, choicesBeside, choicesInFolder, choicesOfFolder } from './clean-urls.ts';
import { Meaning, SiteNote } from './site-note.ts';
import type { SiteSettings } from './site-options.ts';
import type { SiteSource } from './site-source.ts';

/** A file that a request names. */
export interface FoundFile {
  /** From the root. */
  readonly path: string;
  /** The finder's caller releases it. */
  readonly snapshot: Snapshot;
  /** What is kept with the request. */
  readonly note?: SiteNote | undefined;
}

/** How a file is to be asked for that was found by another path. */
export type OtherName = NonNullable<Choice['redirect']>;

/**
 * How long a name means a file that was not looked for first: until somebody might ask whether the first is
 * there now.
 */
const SECOND_CHOICE_MS = 1000;
const MAX_MEANINGS = 65_536;
/** The same where there is little memory. Most names are looked up again within microseconds. */
const FEW_MEANINGS = 1024;

/** The files of a source by the paths of requests: index files, extensions, and what was found before. */
export class SiteFiles {
  readonly #source: SiteSource;
  readonly #settings: SiteSettings;
  /** By what the request named. */
  readonly #meanings = new RecentMap<string, Meaning>(hasSmallMemory() ? FEW_MEANINGS : MAX_MEANINGS);

  constructor(source: SiteSource, settings: SiteSettings) {
    this.#source = source;
    this.#settings = settings;
  }

  /**
   * A file that was found by a name before, if the source has it at hand.
   * @param notes of the request: what is kept there need not be looked for
   */
  peek(target: string, notes: RequestNotes | undefined): FoundFile | undefined {
    const noted = notes?.site;
    const isOurs = noted instanceof SiteNote && noted.owner === this;
    const meaning = isOurs ? noted.meaning : this.#meanings.get(nameOf(target));
    if (meaning === undefined || hasEnded(meaning)) {
      if (isOurs && notes !== undefined) notes.site = undefined;
      return undefined;
    }
    const { path } = meaning;
    const snapshot = this.#source.peek(meaning);
    if (snapshot === undefined || notes === undefined) return snapshot && { path, snapshot };
    const note = isOurs ? noted : new SiteNote(this, meaning);
    notes.site = note;
    return { path, snapshot, note };
  }

  /** The file that was found, if its request is to be answered in the same way as long as it is the same. */
  repeatable({ snapshot, note }: FoundFile): Repeatable | undefined {
    if (note?.answered === undefined || note.answered.version !== snapshot.version) return undefined;
    const { meaning } = note;
    return meaning.until === Number.POSITIVE_INFINITY ? this.#source.repeatable?.(meaning) : undefined;
  }

  /**
   * The file that a path means if it is there, if the source has it at hand: of a directory (a slash at the
   * end) the first index file.
   * @param path that the target decodes to
   */
  peekFirst(target: string, path: string, notes: RequestNotes | undefined): FoundFile | undefined {
    const first = this.#firstOf(path);
    // It was looked for a moment ago: see peek().
    if (this.#meanings.get(nameOf(target))?.path === first) return undefined;
    const meaning = new Meaning(first, this.#source.nameOf(first), Number.POSITIVE_INFINITY);
    const snapshot = this.#source.peek(meaning);
    if (snapshot?.version === undefined) return snapshot && { path: first, snapshot };
    this.#meanings.set(nameOf(target), meaning);
    const note = notes && new SiteNote(this, meaning);
    if (notes !== undefined) notes.site = note;
    return { path: first, snapshot, note };
  }

  /**
   * A target was found to mean a file.
   * @param named the path that it decodes to
   */
  remember(target: string, named: string, { path, snapshot }: FoundFile): void {
    // Nothing is to be kept of it.
    if (snapshot.version === undefined) return;
    const first = this.#firstOf(named);
    if (path === first && this.#meanings.get(nameOf(target))?.path === path) return;
    const until = path === first ? Number.POSITIVE_INFINITY : performance.now() + SECOND_CHOICE_MS;
    this.#meanings.set(nameOf(target), new Meaning(path, this.#source.nameOf(path), until));
  }

  /**
   * The file that a decoded path names. Of a directory (a slash at the end) that is its index file.
   * @returns 'directory' when it names a directory without a slash at its end, or one without an index file;
   *   'with slash' and 'without slash' when the file is to be asked for by such a path
   * @throws as {@link open}
   */
  async find(path: string, wait: WaitSignal): Promise<FoundFile | OtherName | 'directory'> {
    if (path.endsWith('/')) {
      return (await this.#openFirst(choicesInFolder(path, this.#settings), wait)) ?? 'directory';
    }
    try {
      return await this.open(path, wait);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EISDIR') return this.#findOfFolder(path, wait);
      if (code !== 'ENOENT' || extname(path) !== '') throw error;
      const found = await this.#openFirst(choicesBeside(path, this.#settings), wait);
      if (found === undefined) throw error;
      return found;
    }
  }

  /** A directory that was named without its slash may stand for a page of that name beside it. */
  async #findOfFolder(path: string, wait: WaitSignal): Promise<FoundFile | OtherName | 'directory'> {
    const { cleanUrls, trailingSlash } = this.#settings;
    if (!cleanUrls && trailingSlash === undefined) return 'directory';
    const found = await this.#openFirst(choicesOfFolder(path, this.#settings), wait);
    return found ?? 'directory';
  }

  /** What a path means if that is there. */
  #firstOf(path: string): string {
    return path.endsWith('/') ? path + (this.#settings.index[0] ?? '') : path;
  }

  /** The file at a path from the root. @throws as {@link SiteSource.open} */
  async open(path: string, wait: WaitSignal): Promise<FoundFile> {
    return { path, snapshot: await this.#source.open(path, wait) };
  }

  /** The first that is there. */
  async #openFirst(choices: readonly Choice[], wait: WaitSignal): Promise<FoundFile | OtherName | undefined> {
    for (const { path, redirect } of choices) {
      try {
        const found = await this.open(path, wait);
        if (redirect === undefined) return found;
        found.snapshot.release();
        return redirect;
      } catch (error) {
        if (statusOf(error, 'file') !== 404) throw error;
      }
    }
    return undefined;
  }
}

/** What names a file, as it was sent: without the query. */
function nameOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}

/** Whether a name may mean another file by now. For most it need not be asked what time it is. */
function hasEnded({ until }: Meaning): boolean {
  return until !== Number.POSITIVE_INFINITY && performance.now() > until;
}
