import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Snapshot } from '../../file/cache/file-cache.ts';
import type { Coding } from '../../file/content/coding.ts';
import type { Validators } from '../message/conditional.ts';
import type { Fidelity, KeptHead, ServedFile } from '../message/exchange.ts';
import type { HeaderList } from '../message/header-list.ts';
import type { SiteSettings } from './site-options.ts';

const NO_FIELDS = {};

/** Fields of 200 alone, which come first: type and length. */
const WHOLE_FIELDS = 2;

/**
 * The header fields of one form of one version of a file, made once for all the answers that they are in.
 * There may be as many as files: of lists there is one.
 */
export class Representation implements Validators {
  readonly file: ServedFile;
  readonly mediaType: string;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  /** Of 200. */
  readonly headers: HeaderList;
  readonly kept: KeptHead = { head: undefined };
  /** Where those of the content begin and end. */
  readonly #contentStart: number;
  readonly #contentEnd: number;

  constructor(
    file: ServedFile,
    mediaType: string,
    { etag, lastModified }: Validators,
    headers: HeaderList,
    contentStart: number,
    contentEnd: number,
  ) {
    this.file = file;
    this.mediaType = mediaType;
    this.etag = etag;
    this.lastModified = lastModified;
    this.headers = headers;
    this.#contentStart = contentStart;
    this.#contentEnd = contentEnd;
  }

  /** Of 304 and 412: a list each time. */
  get bare(): HeaderList {
    const { headers } = this;
    return [...headers.slice(2 * WHOLE_FIELDS, this.#contentStart), ...headers.slice(this.#contentEnd)];
  }

  /** Of 206 and 416, without what differs from range to range: type, length, Content-Range. */
  get partial(): HeaderList {
    return this.headers.slice(2 * WHOLE_FIELDS);
  }
}

/** What a representation is of. */
export interface RepresentationSource {
  readonly file: ServedFile;
  /** The file's version as it is. */
  readonly snapshot: Snapshot;
  /** What is sent: the same, or its form in `coding`. */
  readonly sent: Pick<Snapshot, 'size' | 'etag'>;
  readonly coding: Coding | 'identity';
  /** What becomes of the bytes. */
  readonly fidelity: Fidelity;
  /** Whether the file's date tells its version. Otherwise it is not sent. */
  readonly isDated: boolean;
}

/**
 * Makes the header fields of a representation.
 * @throws ERR_HTTP_INVALID_HEADER_VALUE and the like when the option `headers` gives what is no field
 */
export function representationOf(
  { file, snapshot, sent, coding, fidelity, isDated }: RepresentationSource,
  settings: SiteSettings,
): Representation {
  const own = new Fields(settings.headers(file));
  const varies = settings.encodings && snapshot.codings.length > 0;
  const mediaType = own.take('Content-Type') ?? settings.mediaTypeOf(file.path);
  const tag = own.take('ETag') ?? (settings.etag ? sent.etag : undefined);
  const etag = fidelity === 'exact' ? tag : weak(tag);
  const lastModified =
    own.take('Last-Modified') ?? (settings.lastModified && isDated ? file.mtime.toUTCString() : undefined);
  const vary = own.take('Vary');
  const headers = ['Content-Type', mediaType, 'Content-Length', String(sent.size)];
  add(headers, 'Cache-Control', own.take('Cache-Control') ?? settings.cacheControl);
  add(headers, 'ETag', etag);
  add(headers, 'Last-Modified', lastModified);
  add(headers, 'Vary', varies ? (vary === undefined ? 'Accept-Encoding' : `Accept-Encoding, ${vary}`) : vary);
  const start = headers.length;
  add(headers, 'Content-Encoding', coding === 'identity' ? undefined : coding);
  add(headers, 'Accept-Ranges', settings.acceptRanges && fidelity !== 'changeable' ? 'bytes' : undefined);
  add(headers, 'X-Content-Type-Options', own.take('X-Content-Type-Options') ?? 'nosniff');
  const end = headers.length;
  headers.push(...own.rest());
  return new Representation(file, mediaType, { etag, lastModified }, headers, start, end);
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

/** A tag that says: the same in meaning, if not byte by byte (RFC 9110, 8.8.1). */
function weak(tag: string | undefined): string | undefined {
  return tag === undefined || tag.startsWith('W/') ? tag : `W/${tag}`;
}

function add(fields: string[], name: string, value: string | undefined): void {
  if (value !== undefined) fields.push(name, value);
}
