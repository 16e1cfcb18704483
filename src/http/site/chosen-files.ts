import { posix, resolve } from 'node:path';
import { RecentMap } from '../../base/recent-map.ts';
import type { FileCache } from '../../file/cache/file-cache.ts';
import type { Answer, ServerRequest } from '../message/exchange.ts';
import { statusOf } from '../message/status-of-error.ts';
import { defaultCache } from './default-cache.ts';
import { DirectorySource } from './directory-source.ts';
import { FileAnswers, type FilePart } from './file-answers.ts';
import { type FoundFile, SiteFiles } from './site-files.ts';
import { type SiteOptions, settingsOf } from './site-options.ts';

/** How a file that somebody chose is looked for and answered with. */
export interface ChosenFileOptions
  extends Pick<
    SiteOptions,
    | 'acceptRanges'
    | 'cacheControl'
    | 'dotfiles'
    | 'encodings'
    | 'etag'
    | 'extensions'
    | 'immutable'
    | 'index'
    | 'lastModified'
    | 'maxAge'
    | 'maxage'
    | 'symlinks'
  > {
  /** A directory that the path is below of, whatever it says. Default: none; the path may lead anywhere. */
  readonly root?: string | undefined;
  /** Where files are kept. Default: one cache of 64 MiB for all that this process serves. */
  readonly cache?: FileCache | undefined;
}

/** Why a file is not to be had: a status, and what was found wrong. */
interface FileRefusal {
  readonly status: number;
  readonly cause?: unknown;
}

/** What a path was found to be: a file, the path of a directory, or none that is to be had. */
export type ChosenFile = FoundFile | { readonly directory: string } | FileRefusal;

/** Sets of options that programs use: for each route one. */
const MAX_OPTION_SETS = 256;

/** By cache, and by what the options say. */
const kept = new WeakMap<FileCache, RecentMap<string, ChosenFiles>>();

/**
 * Files by paths that a program names, in place of requests.
 * @throws ERR_IOLITE_ARGUMENT
 */
export function chosenFiles(options: ChosenFileOptions): ChosenFiles {
  const { cache = defaultCache(), root } = options;
  let known = kept.get(cache);
  if (known === undefined) {
    known = new RecentMap<string, ChosenFiles>(MAX_OPTION_SETS);
    kept.set(cache, known);
  }
  const { acceptRanges, cacheControl, dotfiles, encodings, etag, extensions } = options;
  const { immutable, index, lastModified, maxAge, maxage, symlinks } = options;
  const key = JSON.stringify([
    [root === undefined ? null : resolve(root), acceptRanges, cacheControl, dotfiles, encodings, etag],
    [extensions, immutable, index, lastModified, maxAge, maxage, symlinks].map(each => each ?? `${each}`),
  ]);
  let files = known.get(key);
  if (files === undefined) {
    files = new ChosenFiles(options, cache);
    known.set(key, files);
  }
  return files;
}

/** Use {@link chosenFiles}: what is known of a file is kept for its next request. */
export class ChosenFiles {
  /** Absolute, without a slash at its end; empty where there is none. */
  readonly #root: string | undefined;
  readonly #dotfiles: 'allow' | 'deny' | 'ignore';
  readonly #hasIndex: boolean;
  readonly #files: SiteFiles;
  readonly #answers: FileAnswers;

  constructor(options: ChosenFileOptions, cache: FileCache) {
    const settings = settingsOf(options);
    this.#root = options.root === undefined ? undefined : resolve(options.root);
    this.#dotfiles = settings.dotfiles;
    this.#hasIndex = settings.index.length > 0;
    const source = new DirectorySource(this.#root ?? '/', cache, settings.symlinks);
    this.#files = new SiteFiles(source, settings);
    this.#answers = new FileAnswers(source.root, settings);
  }

  /**
   * The file at a path, decoded. With a slash at its end it names a directory, and means its index file.
   * @param signal gives it up
   * @returns a file, whose snapshot the caller releases or {@link answer} takes over; or what else there is
   * @throws the signal's reason
   */
  async find(path: string, signal: AbortSignal): Promise<ChosenFile> {
    const place = this.#placeOf(path);
    if (typeof place === 'number') return { status: place };
    try {
      // Without index files a slash names a directory all the same, or nothing.
      const isBare = place.endsWith('/') && place !== '/' && !this.#hasIndex;
      const found = await this.#files.find(isBare ? place.slice(0, -1) : place, signal);
      if (found === 'directory') {
        if (place.endsWith('/') && this.#hasIndex) return { status: 404 };
        return { directory: (this.#root ?? '') + place };
      }
      // Who chose the path has chosen how it is written.
      if (typeof found === 'string') return { status: 404 };
      if (!isBare) return found;
      found.snapshot.release();
      return { status: 404 };
    } catch (cause) {
      signal.throwIfAborted();
      return { status: statusOf(cause, 'file'), cause };
    }
  }

  /** @param found its snapshot is taken over. @param part see {@link FileAnswers.answer} */
  answer(request: ServerRequest, found: FoundFile, part?: FilePart): Answer {
    return this.#answers.answer(request, found, part);
  }

  /** A path from the root without segments of dots, or the status of the refusal. */
  #placeOf(path: string): string | number {
    if (path.includes('\0')) return 400;
    const isBelow = this.#root !== undefined;
    if (isOutside(isBelow && path !== '' ? posix.normalize(`./${path}`) : path)) return 403;
    const place = isBelow && path === '' ? '' : posix.normalize(isBelow ? `/${path}` : withSlash(path));
    const isHidden = place.split('/').some(segment => segment.length > 1 && segment.startsWith('.'));
    if (!isHidden || this.#dotfiles === 'allow') return place;
    return this.#dotfiles === 'deny' ? 403 : 404;
  }
}

/** Absolute, with the slash at its end that it has. */
function withSlash(path: string): string {
  return path.endsWith('/') ? `${resolve(path)}/` : resolve(path);
}

function isOutside(path: string): boolean {
  return /(?:^|[\\/])\.\.(?:[\\/]|$)/.test(path);
}
