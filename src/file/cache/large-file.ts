import type { FileHandle } from 'node:fs/promises';
import { IoliteError } from '../../base/error.ts';
import { invariant } from '../../base/invariant.ts';
import { dropPageCache } from '../../os/page-cache.ts';
import type { Target } from '../../store/placement.ts';
import { fillPieces } from '../load/load.ts';
import type { FileVersion } from '../version/file-version.ts';
import { Fingerprint } from '../version/fingerprint.ts';

/**
 * A version of a file that is too large to be kept whole. It stays open: so it can be read, by extents, when
 * the path leads to another file by now, or to none.
 */
export class LargeFile {
  readonly path: string;
  readonly version: FileVersion;
  /** Keys of its extents in the store, evicted ones too. */
  readonly keys = new Set<string>();
  readonly #handle: FileHandle;
  readonly #fingerprint: Fingerprint;
  #reads = 0;
  #closing = false;

  /** Takes over the handle. @param extent bytes that are read at a time */
  constructor(path: string, version: FileVersion, handle: FileHandle, extent: number) {
    this.path = path;
    this.version = version;
    this.#handle = handle;
    this.#fingerprint = new Fingerprint(path, version, handle, extent);
  }

  /**
   * Fills a target with an extent, which starts at `start`. Who appends to the file meanwhile changes none of
   * them.
   * @throws ERR_IOLITE_STALE when the file was rewritten in place since; ERR_IOLITE_CLOSED; as the disk said
   */
  async read(target: Target, start: number, keepPageCache: boolean): Promise<void> {
    if (this.#closing)
      throw new IoliteError('ERR_IOLITE_CLOSED', `Cannot read ${this.path}: this version of it was released`);
    this.#reads += 1;
    try {
      const length = target.pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);
      const filled = await fillPieces(this.#handle, target.pieces, start);
      if (filled < length || !(await this.#fingerprint.admits(start, target.pieces))) {
        throw new IoliteError(
          'ERR_IOLITE_STALE',
          `Cannot read ${this.path}: it was changed in place, and this version of it is gone`,
        );
      }
      if (!keepPageCache && !this.#fingerprint.mayGrow) dropPageCache(this.#handle.fd, start, length);
    } finally {
      this.#reads -= 1;
      invariant(this.#reads >= 0, 'a read that ends has begun');
      if (this.#closing) this.#closeIfDone();
    }
  }

  /** Closes the file when the reads that are under way have ended. */
  close(): void {
    this.#closing = true;
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (this.#reads === 0) this.#handle.close().catch(() => {});
  }
}
