import { Aggregate } from '../../aggregate/aggregate.ts';
import type { ChunkPool } from '../../memory/chunk-pool.ts';
import type { FileCache, Snapshot } from '../cache/file-cache.ts';
import type { DiskVersion } from './disk-version.ts';
import type { FrozenContent, Part } from './file-content.ts';
import { zeros } from './zeros.ts';

/** A larger hole is not worth memory. */
const MOST_ZEROS_BYTES = 16 * 1024 ** 2;

/**
 * The content of a file that is being written, for a cache to take over when the disk has it (paper, 2.5):
 * so it need not read what is in memory already. Ranges that were not written are those that the cache has
 * of the version before.
 */
export class Adoption {
  readonly cache: FileCache;
  readonly #path: string;
  readonly #content: Aggregate;

  private constructor(cache: FileCache, path: string, content: Aggregate) {
    this.cache = cache;
    this.#path = path;
    this.#content = content;
  }

  /**
   * Copies nothing. Say {@link release} when done.
   * @param path real
   * @param previous the version that `frozen` refers to
   * @param pool for zeros
   * @returns undefined where the cache takes over nothing, or not all of the content is in memory
   * @throws what allocating from the pool throws
   */
  static of(
    cache: FileCache,
    path: string,
    frozen: FrozenContent,
    previous: DiskVersion | undefined,
    pool: ChunkPool,
  ): Adoption | undefined {
    if (cache.adopt === undefined) return undefined;
    const isPartial = frozen.parts.some(({ kind }) => kind === 'disk');
    const before = isPartial && previous !== undefined ? previous.inCache(cache, path) : undefined;
    const content = new Aggregate(undefined, pool);
    try {
      for (const part of frozen.parts) {
        using bytes = bytesOf(part, before, pool);
        if (bytes === undefined) {
          content.release();
          return undefined;
        }
        content.append(bytes);
      }
      return new Adoption(cache, path, content);
    } catch (error) {
      content[Symbol.dispose]();
      throw error;
    } finally {
      before?.release();
    }
  }

  /** The disk has it, as this version. @returns whether the cache has taken it over. Does not throw */
  async finish(written: DiskVersion): Promise<boolean> {
    if (!written.isAsWritten) return false;
    try {
      return (await this.cache.adopt?.(this.#path, written.version, this.#content)) === true;
    } catch {
      // It reads from the disk then.
      return false;
    }
  }

  release(): void {
    this.#content.release();
  }
}

/** The caller releases it. @returns undefined where it is not in memory */
function bytesOf(part: Part, before: Snapshot | undefined, pool: ChunkPool): Aggregate | undefined {
  if (part.kind === 'memory') return part.bytes.duplicate();
  if (part.kind === 'zeros')
    return part.end - part.start > MOST_ZEROS_BYTES ? undefined : zeros(part.end - part.start, pool);
  return before?.content?.slice(part.start, part.end);
}
