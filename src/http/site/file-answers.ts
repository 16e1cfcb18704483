import { RecentMap } from '../../base/recent-map.ts';
import type { Snapshot } from '../../file/cache/file-cache.ts';
import type { Coding } from '../../file/content/coding.ts';
import { isTellingDate } from '../../file/version/telling-date.ts';
import { hasSmallMemory } from '../../os/container/small-memory.ts';
import { allowsRange, evaluate, type Validators } from '../message/conditional.ts';
import type { Answer, Fidelity, ServedFile, ServerRequest, Stated } from '../message/exchange.ts';
import { frameRanges } from '../message/framing/multipart.ts';
import type { HeaderList } from '../message/header-list.ts';
import { chooseCoding } from '../message/negotiation.ts';
import { type ByteRange, contentRange, parseRanges } from '../message/range.ts';
import { statusAnswer } from '../message/status-answer.ts';
import { type Representation, type RepresentationSource, representationOf } from './representation.ts';
import type { FoundFile } from './site-files.ts';
import type { NotedAnswer } from './site-note.ts';
import type { SiteSettings } from './site-options.ts';
import { bodyOf, wholeBodyOf } from './snapshot-body.ts';

/**
 * Versions whose header fields are kept, at least, where there is little memory: a kilobyte each. What comes
 * in the same words again is repeated without them.
 */
const FEW_VERSIONS = 32;

/** Header fields of one version of a file, in each of its forms that was asked for. */
interface Version {
  readonly path: string;
  /** Whether its date tells the version: it comes to do so when it is no longer in the future. */
  readonly isDated: boolean;
  /** The one that was made last, and those before: mostly one. */
  last: KnownForm | undefined;
}

/** A form of a version, as it was. */
interface KnownForm {
  readonly coding: Coding | 'identity';
  readonly fidelity: Fidelity;
  /** It may be another one by now, with the file as it was. */
  readonly tag: string;
  readonly representation: Representation;
  readonly before: KnownForm | undefined;
}

/** A file as those are told of it who may want to know. */
class SiteFile implements ServedFile {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;

  constructor(path: string, size: number, mtimeMs: number) {
    this.path = path;
    this.size = size;
    this.mtimeMs = mtimeMs;
  }

  /** Made for who asks: few do, and there may be many files. */
  get mtime(): Date {
    return new Date(this.mtimeMs);
  }
}

/** Bytes of a file. */
export interface FilePart {
  /** Default 0. */
  readonly start?: number | undefined;
  /** The byte after the last. Default: all there are. */
  readonly end?: number | undefined;
}

/** What a file's request is to be answered with. */
interface Decision {
  readonly status: number;
  readonly headers: HeaderList;
  /** What the body is made of; undefined for none. */
  readonly pieces?: readonly (string | ByteRange)[];
}

/** Answers GET and HEAD with files: negotiation, conditions, ranges. */
export class FileAnswers {
  /** What the paths of its files begin with. */
  readonly #prefix: string;
  readonly #settings: SiteSettings;
  /** Answers with one version have one list of header fields, so that senders can keep its bytes. */
  readonly #versions = hasSmallMemory()
    ? new RecentMap<object, Version>(FEW_VERSIONS)
    : new WeakMap<object, Version>();

  constructor(root: string, settings: SiteSettings) {
    this.#prefix = root.endsWith('/') ? root.slice(0, -1) : root;
    this.#settings = settings;
  }

  /**
   * @param found its snapshot is taken over
   * @param part of the file, to be taken for all of it: never in a content coding
   */
  answer(request: ServerRequest, { path, snapshot, note }: FoundFile, part?: FilePart): Answer {
    const noted = note?.answered;
    if (noted !== undefined && noted.version === snapshot.version) return this.#answerAgain(snapshot, noted);
    const { codings } = snapshot;
    const choice =
      this.#settings.encodings && part === undefined
        ? chooseCoding(request.header('accept-encoding'), codings)
        : 'identity';
    const encoded = choice === undefined || choice === 'identity' ? undefined : snapshot.encoded(choice);
    const coding: Coding | 'identity' = encoded === undefined ? 'identity' : (choice as Coding);
    const sent = encoded ?? snapshot;
    let body: Answer['body'];
    try {
      const window = part && windowOf(part, snapshot);
      const { size, etag } = window ?? sent;
      const { fidelity = 'exact' } = request;
      const source = { snapshot, sent: { size, etag }, coding, fidelity };
      // Parts may be as many as there are requests: nothing of them is kept.
      const representation = this.#represent(path, source, part === undefined);
      const { file } = representation;
      const decision =
        choice === undefined
          ? { status: 406, headers: representation.bare }
          : this.#decide(request, representation, size, request.stated?.(file));
      const { status, headers } = decision;
      if (status >= 400) return { ...statusAnswer(status, headers), file };
      const pieces = request.method === 'GET' ? decision.pieces : undefined;
      const kept = headers === representation.headers ? representation.kept : undefined;
      // As long as the date says nothing, it may come to say something.
      const { version } = snapshot;
      if (note !== undefined && version !== undefined && isTellingDate(snapshot.mtimeMs, Date.now()))
        note.answered = {
          version,
          answer: { status, headers, file, kept },
          coding,
          pieces: isAll(sent, pieces) ? 'all' : pieces,
        };
      if (pieces !== undefined) body = bodyOf(sent, shifted(pieces, window?.start ?? 0));
      return { status, headers, body, file, kept };
    } finally {
      if (encoded !== undefined) snapshot.release();
      if (body === undefined) sent.release();
    }
  }

  /** The same request as before, for the same version. */
  #answerAgain(snapshot: Snapshot, { answer, coding, pieces }: NotedAnswer): Answer {
    const { status, headers, file, kept } = answer;
    const sent = coding === 'identity' ? snapshot : (snapshot.encoded(coding) as Snapshot);
    if (sent !== snapshot) snapshot.release();
    if (pieces === 'all') return { status, headers, body: wholeBodyOf(sent), file, kept };
    if (pieces !== undefined) return { status, headers, body: bodyOf(sent, pieces), file, kept };
    sent.release();
    return { status, headers, body: undefined, file, kept };
  }

  /**
   * The file as the page of an error, whatever the request says of versions and ranges.
   * @param found its snapshot is taken over
   */
  answerError({ method }: ServerRequest, { path, snapshot }: FoundFile, status: number): Answer {
    const { size } = snapshot;
    const own = ['Content-Type', this.#settings.mediaTypeOf(path), 'Content-Length', String(size)];
    const headers = [...own, 'Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff'];
    if (method === 'GET') return { status, headers, body: bodyOf(snapshot, [{ start: 0, end: size }]) };
    snapshot.release();
    return { status, headers, body: undefined };
  }

  #represent(
    path: string,
    source: Omit<RepresentationSource, 'file' | 'isDated'>,
    isKept: boolean,
  ): Representation {
    const { snapshot, sent, coding, fidelity } = source;
    const { size, mtimeMs } = snapshot;
    const isDated = isTellingDate(mtimeMs, Date.now());
    const of = isKept ? snapshot.version : undefined;
    const version = of && this.#knownVersion(of, path, isDated);
    const { etag: tag } = sent;
    for (let form = version?.last; form !== undefined; form = form.before) {
      if (form.coding === coding && form.fidelity === fidelity && form.tag === tag) {
        return form.representation;
      }
    }
    const file = new SiteFile(this.#prefix + path, size, mtimeMs);
    const representation = representationOf(
      { file, snapshot, sent, coding, fidelity, isDated },
      this.#settings,
    );
    if (version !== undefined) {
      const { last } = version;
      const isNewer = last?.coding === coding && last.fidelity === fidelity;
      version.last = { coding, fidelity, tag, representation, before: isNewer ? last.before : last };
    }
    return representation;
  }

  #knownVersion(of: object, path: string, isDated: boolean): Version {
    const known = this.#versions.get(of);
    if (known?.path === path && known.isDated === isDated) return known;
    const version = { path, isDated, last: undefined };
    this.#versions.set(of, version);
    return version;
  }

  #decide(
    request: ServerRequest,
    representation: Representation,
    size: number,
    stated: Stated | undefined,
  ): Decision {
    const { headers, bare } = representation;
    const validators = stated === undefined ? representation : validatorsOf(stated, representation);
    const verdict = evaluate(request, validators);
    if (verdict === 'not-modified' && stated?.isSuccess !== false) return { status: 304, headers: bare };
    if (verdict === 'failed') return { status: 412, headers: [] };
    const ranges = this.#rangesOf(request, validators, size);
    if (ranges !== undefined) return partial(representation, ranges, size);
    return { status: 200, headers, pieces: [{ start: 0, end: size }] };
  }

  /** Ranges are for GET alone (RFC 9110, 14.2). */
  #rangesOf(request: ServerRequest, validators: Validators, size: number): ByteRange[] | undefined {
    if (request.method !== 'GET' || !this.#settings.acceptRanges) return undefined;
    const ranges = parseRanges(request.header('range'), size);
    if (ranges === undefined) return undefined;
    const { fidelity = 'exact' } = request;
    if (fidelity === 'changeable') return undefined;
    const joined = request.header('if-range');
    // What the client has may have been changed on its way, also where the date is the same.
    if (fidelity === 'equivalent') return joined === undefined ? ranges : undefined;
    return allowsRange(joined, validators) ? ranges : undefined;
  }
}

/** The part of a file that there is, with a tag of its own. */
function windowOf({ start = 0, end = Number.POSITIVE_INFINITY }: FilePart, { size, etag }: Snapshot) {
  const first = Math.min(start, size);
  const length = Math.max(0, Math.min(end, size) - first);
  return { start: first, size: length, etag: etag.replace(/"$/, `:${first}+${length}"`) };
}

/** Pieces of a part as pieces of the file. */
function shifted(pieces: readonly (string | ByteRange)[], by: number): readonly (string | ByteRange)[] {
  if (by === 0) return pieces;
  return pieces.map(each =>
    typeof each === 'string' ? each : { start: each.start + by, end: each.end + by },
  );
}

/** Whether the pieces of a body are all of a content, which is in memory. */
function isAll({ content, size }: Snapshot, pieces: Decision['pieces']): boolean {
  const [first] = pieces ?? [];
  return (
    content !== undefined &&
    pieces?.length === 1 &&
    typeof first === 'object' &&
    first.end - first.start === size
  );
}

function validatorsOf({ etag, lastModified }: Stated, representation: Representation): Validators {
  return { etag: etag ?? representation.etag, lastModified: lastModified ?? representation.lastModified };
}

/** Answers with parts (RFC 9110, 15.3.7), or says that there are none such (15.5.17). */
function partial(representation: Representation, ranges: readonly ByteRange[], size: number): Decision {
  const { mediaType, partial: headers } = representation;
  const [first] = ranges;
  if (first === undefined) return { status: 416, headers: ['Content-Range', `bytes */${size}`] };
  if (ranges.length === 1) {
    const length = String(first.end - first.start);
    const own = [
      'Content-Type',
      mediaType,
      'Content-Length',
      length,
      'Content-Range',
      contentRange(first, size),
    ];
    return { status: 206, headers: [...own, ...headers], pieces: ranges };
  }
  const { mediaType: multipart, length, pieces } = frameRanges(ranges, mediaType, size);
  const own = ['Content-Type', multipart, 'Content-Length', String(length)];
  return { status: 206, headers: [...own, ...headers], pieces };
}
