import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Snapshot } from '../../file/cache/file-cache.ts';
import type { Coding } from '../../file/content/coding.ts';
import { mediaTypeOf } from '../../file/content/media-type.ts';
import type { Validators } from '../message/conditional.ts';
import type { KeptHead, ServedFile } from '../message/exchange.ts';
import type { HeaderList } from '../message/header-list.ts';
import type { SiteSettings } from './site-options.ts';

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
  const vary = [varies ? 'Accept-Encoding' : undefined, own.take('Vary')].filter(each => each !== undefined);
  const bare = listOf({
    'Cache-Control': own.take('Cache-Control') ?? settings.cacheControl,
    ETag: etag,
    'Last-Modified': lastModified,
    Vary: vary.length > 0 ? vary.join(', ') : undefined,
  });
  const content = listOf({
    'Content-Encoding': coding === 'identity' ? undefined : coding,
    'Accept-Ranges': settings.acceptRanges ? 'bytes' : undefined,
    'X-Content-Type-Options': own.take('X-Content-Type-Options') ?? 'nosniff',
  });
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

/** The fields that a site's user adds, found by name in any case. */
class Fields {
  readonly #fields = new Map<string, readonly [name: string, value: string]>();

  constructor(given: Readonly<Record<string, string>> = {}) {
    for (const [name, value] of Object.entries(given)) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
      this.#fields.set(name.toLowerCase(), [name, value]);
    }
    // Framing is not theirs to say.
    for (const name of ['Content-Length', 'Content-Encoding', 'Content-Range']) this.take(name);
  }

  /** The value of a field, which is not among the rest then. */
  take(name: string): string | undefined {
    const value = this.#fields.get(name.toLowerCase())?.[1];
    this.#fields.delete(name.toLowerCase());
    return value;
  }

  rest(): HeaderList {
    return [...this.#fields.values()].flat();
  }
}

function listOf(fields: Readonly<Record<string, string | undefined>>): HeaderList {
  return Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
}
