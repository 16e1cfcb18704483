import { ArgumentError, describe, optionNames } from '../../base/error.ts';
import type { FileCache } from '../../file/cache/file-cache.ts';
import { mediaTypesWith } from '../../file/content/media-type.ts';
import type { ServedFile } from '../message/exchange.ts';
import { publicFor } from '../message/max-age.ts';

/** How files of a directory are served. What has the name of an option of `serve-static` means the same. */
export interface SiteOptions {
  /** Files to look for when a directory is asked for; false for none. Default index.html. */
  readonly index?: string | readonly string[] | false | null;
  /**
   * Extensions to try, in order, for a name that no file has: `['html']` serves /about from about.html.
   * Default none.
   */
  readonly extensions?: readonly string[] | false;
  /**
   * Pages have names without extensions: `/about` is about.html, and who asks for `/about.html` or
   * `/index.html` is redirected. `extensions` are html then, unless they are given. Default false.
   */
  readonly cleanUrls?: boolean;
  /**
   * Whether the paths of pages end with a slash: true, `/about` is redirected to `/about/`, which is
   * about/index.html or, by `extensions`, about.html; false, the other way round. Default: as it is named, a
   * directory with its slash and a file without.
   */
  readonly trailingSlash?: boolean | undefined;
  /** Media types by extension, before those that are known: `{ data: 'application/x-unity' }`. */
  readonly mediaTypes?: Readonly<Record<string, string>>;
  /** Redirects a directory's name without the slash at its end to the one with it. Default true. */
  readonly redirect?: boolean;
  /**
   * Paths with a segment that begins with a dot: served, refused with 403, or treated as if they were not
   * there.
   */
  readonly dotfiles?: 'allow' | 'deny' | 'ignore';
  /**
   * Serves what lies in `/.well-known/` (RFC 8615), whatever is said of names with a dot. Default true; with
   * serveStatic false.
   */
  readonly wellKnown?: boolean;
  /**
   * Symbolic links below the directory: followed as long as they lead to a place inside of it (default),
   * never, or wherever they lead. The directory itself may be a link, also one that is exchanged for another.
   */
  readonly symlinks?: 'inside' | 'deny' | 'follow';
  /** Lists directories without an index file, as HTML or JSON as the client accepts. Default false. */
  readonly listing?: boolean;
  /**
   * File that answers requests for a page where there is none: the page of a single-page application. What
   * has the extension of another type, or is asked for as something else, is no page.
   */
  readonly fallback?: string;
  /** Ranges of files. Default true. */
  readonly acceptRanges?: boolean;
  /** Sends the entity tag. Default true. */
  readonly etag?: boolean;
  /** Sends Last-Modified. Default true. */
  readonly lastModified?: boolean;
  /**
   * False leaves Cache-Control away, a string is its value. Default true: it is made of `maxAge` and
   * `immutable`.
   */
  readonly cacheControl?: boolean | string;
  /** How long clients may keep files: milliseconds, or a text as '1 day'. A year at most. Default 0. */
  readonly maxAge?: number | string;
  /** The same, as serve-static takes it too. */
  readonly maxage?: number | string;
  /** Tells clients that files do not change within `maxAge`. Default false. */
  readonly immutable?: boolean;
  /** Sends forms that the cache has in a content coding, as the client accepts. Default true. */
  readonly encodings?: boolean;
  /**
   * More fields of answers with a file; they replace those of the same name, but for Content-Length,
   * Content-Encoding and Content-Range, which are left away. Asked once for each version of a file.
   */
  readonly headers?: (file: ServedFile) => Readonly<Record<string, string>> | undefined;
  /** Files that are sent with error statuses: `{ 404: '404.html' }`. */
  readonly errorPages?: Readonly<Record<number, string>>;
  /**
   * Values of the Link field to send ahead in a 103, before the file is looked for (RFC 8297). They are not
   * repeated in the answer.
   * @param path the decoded path of the request
   */
  readonly earlyHints?: (path: string) => readonly string[] | undefined;
  /**
   * Leaves requests to whoever comes next, where there is no file for them: unknown paths, other methods,
   * refused paths. Default false: they are answered with 404, 405, and so on.
   */
  readonly fallthrough?: boolean;
}

/** Options of createSite. */
export interface CreateSiteOptions extends SiteOptions {
  /** Where files are kept. Not closed with the site. */
  readonly cache: FileCache;
  /**
   * Files that are as if they were not there, such as scripts that somebody else runs: asked for the path
   * from the root, and for the real path.
   */
  readonly withholds?: ((path: string) => boolean) | undefined;
}

/** Of all options of createSite. */
export const SITE_OPTION_NAMES = optionNames<CreateSiteOptions>({
  index: true,
  extensions: true,
  cleanUrls: true,
  trailingSlash: true,
  mediaTypes: true,
  redirect: true,
  dotfiles: true,
  wellKnown: true,
  symlinks: true,
  listing: true,
  fallback: true,
  acceptRanges: true,
  etag: true,
  lastModified: true,
  cacheControl: true,
  maxAge: true,
  maxage: true,
  immutable: true,
  encodings: true,
  headers: true,
  errorPages: true,
  earlyHints: true,
  fallthrough: true,
  cache: true,
  withholds: true,
});

/** Options, checked, with their defaults. */
export interface SiteSettings
  extends Required<
    Omit<
      SiteOptions,
      | 'index'
      | 'extensions'
      | 'trailingSlash'
      | 'mediaTypes'
      | 'fallback'
      | 'cacheControl'
      | 'maxAge'
      | 'maxage'
      | 'immutable'
    >
  > {
  readonly index: readonly string[];
  readonly extensions: readonly string[];
  readonly trailingSlash: boolean | undefined;
  /** The media type of a file by its name. */
  readonly mediaTypeOf: (path: string) => string;
  readonly fallback: string | undefined;
  /** The field's value; undefined to leave it away. */
  readonly cacheControl: string | undefined;
}

/** Checks options. @throws ERR_IOLITE_ARGUMENT */
export function settingsOf(options: SiteOptions): SiteSettings {
  const { dotfiles = 'ignore', symlinks = 'inside', cleanUrls = false } = options;
  checkChoice(dotfiles, 'dotfiles', ['allow', 'deny', 'ignore']);
  checkChoice(symlinks, 'symlinks', ['inside', 'deny', 'follow']);
  for (const name of ['headers', 'earlyHints'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'function') {
      throw new ArgumentError(
        `Cannot use ${name}: a function is wanted, ${describe(options[name])} was given`,
      );
    }
  }
  return {
    index: listOf(options.index === undefined ? 'index.html' : (options.index ?? false), 'index'),
    extensions: listOf(options.extensions ?? (cleanUrls ? 'html' : false), 'extensions').map(name =>
      name.replace(/^\./, ''),
    ),
    cleanUrls,
    trailingSlash: options.trailingSlash,
    mediaTypeOf: mediaTypesWith(options.mediaTypes),
    redirect: options.redirect !== false,
    dotfiles,
    wellKnown: options.wellKnown ?? true,
    symlinks,
    listing: options.listing ?? false,
    fallback: options.fallback,
    acceptRanges: isOn(options.acceptRanges),
    etag: isOn(options.etag),
    lastModified: isOn(options.lastModified),
    cacheControl: cacheControlOf(options),
    encodings: options.encodings ?? true,
    headers: options.headers ?? nothing,
    errorPages: options.errorPages ?? {},
    earlyHints: options.earlyHints ?? nothing,
    fallthrough: options.fallthrough ?? false,
  };
}

/** What is on unless it is said to be off, in whatever way. */
function isOn(option: boolean | undefined): boolean {
  return option === undefined || Boolean(option);
}

function cacheControlOf(options: SiteOptions): string | undefined {
  const { cacheControl = true, maxAge, maxage, immutable = false } = options;
  if (typeof cacheControl === 'string') return cacheControl;
  return cacheControl ? publicFor(maxAge ?? maxage ?? 0, immutable) : undefined;
}

function listOf(given: string | readonly string[] | boolean, name: string): readonly string[] {
  if (given === false) return [];
  const list = typeof given === 'string' ? [given] : given;
  if (!Array.isArray(list) || list.some(each => typeof each !== 'string' || each.includes('\0'))) {
    throw new ArgumentError(`Cannot use ${name}: names or false are wanted, ${describe(given)} was given`);
  }
  return list;
}

function checkChoice(value: string, name: string, choices: readonly string[]): void {
  if (choices.includes(value)) return;
  throw new ArgumentError(
    `Cannot use ${name}: one of ${choices.join(', ')} is wanted, ${describe(value)} was given`,
  );
}

function nothing(): undefined {}
