import { Aggregate } from '../../aggregate/aggregate.ts';
import { clampPosition } from '../../base/clamp.ts';
import { IoliteError } from '../../base/error.ts';
import type { StoredVersion } from '../../store/stored-version.ts';
import type { FileFacts } from './file-entry.ts';

/** Where the extents of a version are: in the store, or with its owner. */
export interface ExtentSource {
  /**
   * An extent of a large file's version, read if it is not there. @returns a reference, which the caller
   * releases
   * @throws ERR_IOLITE_STALE; as the disk said
   */
  extent(
    file: StoredVersion<FileFacts>,
    index: number,
    signal?: AbortSignal,
  ): Promise<StoredVersion<FileFacts>>;
}

/** The key of an extent. No path has a NUL, and a serial names a version. */
export function extentKey(serial: number, index: number): string {
  return `${serial}\0${index}`;
}

/** The serial and index in the key of an extent; undefined for a path. */
export function parseExtentKey(key: string): { serial: number; index: number } | undefined {
  const match = /^(\d{1,16})\0(\d{1,16})$/.exec(key);
  return match === null ? undefined : { serial: Number(match[1]), index: Number(match[2]) };
}

function malformed(path: string): IoliteError {
  return new IoliteError('ERR_IOLITE_PROTOCOL', `Cannot read ${path}: an extent of it has another length`);
}

/** Extents that are read at a time for one range. */
const PARALLEL_EXTENTS = 4;
/** Extents that are read ahead at most: doubled from one with each sequential read. */
const MAX_AHEAD_EXTENTS = 8;

/** Reads ranges of one version of a large file, and ahead of who reads it in sequence. */
export class ExtentReader {
  readonly #file: StoredVersion<FileFacts>;
  readonly #source: ExtentSource;
  /** Where the last range ended, and how many extents were read ahead of it. */
  #position = 0;
  #ahead = 0;

  /** @param file whose reference the caller keeps for as long as it reads */
  constructor(file: StoredVersion<FileFacts>, source: ExtentSource) {
    this.#file = file;
    this.#source = source;
  }

  async read(start: number, end: number, signal?: AbortSignal): Promise<Aggregate> {
    const { size, extent = 1 } = this.#file.facts;
    const from = clampPosition(start, size);
    const to = clampPosition(end, size);
    if (from >= to) return Aggregate.empty();
    const first = Math.floor(from / extent);
    const last = Math.floor((to - 1) / extent);
    const whole = Aggregate.empty();
    try {
      for (let index = first; index <= last; index += PARALLEL_EXTENTS) {
        const count = Math.min(PARALLEL_EXTENTS, last - index + 1);
        for (const [i, held] of (await this.#extents(index, count, signal)).entries()) {
          whole.append(held.content ?? Aggregate.empty());
          held.release();
          // Whoever is given less again and again would go on for ever.
          if (whole.length !== Math.min((index + i + 1) * extent, size) - first * extent)
            throw malformed(this.#file.key);
        }
      }
    } catch (error) {
      whole.release();
      throw error;
    }
    this.#readAhead(from, to, last);
    whole.truncate(to - first * extent);
    return whole.trimStart(from - first * extent);
  }

  /** All of them, or none. */
  async #extents(
    first: number,
    count: number,
    signal: AbortSignal | undefined,
  ): Promise<StoredVersion<FileFacts>[]> {
    const reads = Array.from({ length: count }, (_, i) => this.#source.extent(this.#file, first + i, signal));
    const ended = await Promise.allSettled(reads);
    const extents = ended.flatMap(end => (end.status === 'fulfilled' ? end.value : []));
    const failed = ended.find(end => end.status === 'rejected');
    if (failed === undefined) return extents;
    for (const held of extents) held.release();
    throw failed.reason;
  }

  #readAhead(from: number, to: number, last: number): void {
    const sequential = from === this.#position && to > 0;
    this.#position = to;
    this.#ahead = sequential ? Math.min(MAX_AHEAD_EXTENTS, Math.max(1, this.#ahead * 2)) : 0;
    const { size, extent = 1 } = this.#file.facts;
    const end = Math.min(last + this.#ahead, Math.ceil(size / extent) - 1);
    for (let index = last + 1; index <= end; index++) {
      this.#file.retain();
      this.#source
        .extent(this.#file, index)
        .then(
          held => held.release(),
          () => {},
        )
        .finally(() => this.#file.release());
    }
  }
}
