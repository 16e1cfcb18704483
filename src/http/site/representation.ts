import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Snapshot } from '../../file/cache/file-cache.ts';
import type { Coding } from '../../file/content/coding.ts';
import { mediaTypeOf } from '../../file/content/media-type.ts';
import type { Validators } from '../message/conditional.ts';
import type { KeptHead, ServedFile } from '../message/exchange.ts';
import type { HeaderList } from '../message/header-list.ts';
import type { SiteSettings } from './site-options.ts';

const NO_FIELDS = {};

/** The header fields of one form of one version of a file, made once for all the answers that they are in. */
export interface Representation extends Validators {
  readonly file: ServedFile;
  readonly mediaType: string;
  /** Of 200. */
  readonly headers: HeaderList;
  readonly kept: KeptHead;
  /** Of 304 and 412. */
  readonly bare: HeaderList;
  /** Of 206 and 416, without what differs from range to range: type, length, Content-Range. */
  readonly partial: HeaderList;
}

/** What a representation is of. */
export interface RepresentationSource {
  readonly file: ServedFile;
  /** The file's version as it is. */
  readonly snapshot: Snapshot;
  /** What is sent: the same, or its form in `coding`. */
  readonly sent: Snapshot;
  readonly coding: Coding | 'identity';
  /** Whether the file's date tells its version. Otherwise it is not sent. */
  readonly isDated: boolean;
}

/**
 * Makes the header fields of a representation.
 * @throws ERR_HTTP_INVALID_HEADER_VALUE and the like when the option `headers` gives what is no field
 */
export function representationOf(
  { file, snapshot, sent, coding, isDated }: RepresentationSource,
  settings: SiteSettings,
): Representation {
  const own = new Fields(settings.headers(file));
  const varies = settings.encodings && snapshot.codings.length > 0;
  const mediaType = own.take('Content-Type') ?? mediaTypeOf(file.path);
  const etag = own.take('ETag') ?? (settings.etag ? sent.etag : undefined);
  const lastModified =
    own.take('Last-Modified') ?? (settings.lastModified && isDated ? file.mtime.toUTCString() : undefined);
  const vary = own.take('Vary');
  const bare: string[] = [];
  add(bare, 'Cache-Control', own.take('Cache-Control') ?? settings.cacheControl);
  add(bare, 'ETag', etag);
  add(bare, 'Last-Modified', lastModified);
  add(bare, 'Vary', varies ? (vary === undefined ? 'Accept-Encoding' : `Accept-Encoding, ${vary}`) : vary);
  const content: string[] = [];
  add(content, 'Content-Encoding', coding === 'identity' ? undefined : coding);
  add(content, 'Accept-Ranges', settings.acceptRanges ? 'bytes' : undefined);
  add(content, 'X-Content-Type-Options', own.take('X-Content-Type-Options') ?? 'nosniff');
  const rest = own.rest();
  const partial = [...bare, ...content, ...rest];
  return {
    file,
    etag,
    lastModified,
    mediaType,
    kept: { head: undefined },
    headers: ['Content-Type', mediaType, 'Content-Length', String(sent.size), ...partial],
    bare: [...bare, ...rest],
    partial,
  };
}

/** The fields that a site's user adds, found by name in any case. Most have none. */
class Fields {
  readonly #fields: Map<string, readonly [name: string, value: string]> | undefined;

  constructor(given: Readonly<Record<string, string>> = NO_FIELDS) {
    const names = Object.keys(given);
    if (names.length === 0) return;
    this.#fields = new Map();
    for (const name of names) {
      const value = given[name] as string;
      validateHeaderName(name);
      validateHeaderValue(name, value);
      this.#fields.set(name.toLowerCase(), [name, value]);
    }
    // Framing is not theirs to say.
    for (const name of ['Content-Length', 'Content-Encoding', 'Content-Range']) this.take(name);
  }

  /** The value of a field, which is not among the rest then. */
  take(name: string): string | undefined {
    if (this.#fields === undefined) return undefined;
    const value = this.#fields.get(name.toLowerCase())?.[1];
    this.#fields.delete(name.toLowerCase());
    return value;
  }

  rest(): HeaderList {
    return this.#fields === undefined ? [] : [...this.#fields.values()].flat();
  }
}

function add(fields: string[], name: string, value: string | undefined): void {
  if (value !== undefined) fields.push(name, value);
}
