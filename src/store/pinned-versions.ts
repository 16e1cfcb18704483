import { IoliteError } from '../base/error.ts';
import { RecentMap } from '../base/recent-map.ts';
import type { ContentFacts, StoredVersion } from './stored-version.ts';

/** Versions that one index may have pinned at a time: each may be a file that is kept open for it. */
const MAX_PINNED_VERSIONS = 512;
/** How many that were given up are remembered, to say so. */
const REMEMBERED_SERIALS = 1024;

/**
 * The versions that the owner of a store keeps something for, for one index: references, by serial. Beyond a
 * bound the one that was not used for longest is given up.
 */
export class PinnedVersions<F extends ContentFacts> {
  readonly #versions = new Map<number, StoredVersion<F>>();
  readonly #givenUp = new RecentMap<number, true>(REMEMBERED_SERIALS);

  get size(): number {
    return this.#versions.size;
  }

  /** Holds a version from now on. */
  pin(held: StoredVersion<F>): void {
    if (this.#use(held.serial) !== undefined) return;
    this.#versions.set(held.serial, held.retain());
    if (this.#versions.size <= MAX_PINNED_VERSIONS) return;
    for (const [serial, version] of this.#versions) {
      this.#versions.delete(serial);
      this.#givenUp.set(serial, true);
      version.release();
      return;
    }
  }

  /** A version that is held, to be used. @throws ERR_IOLITE_LIMIT when it was given up */
  use(serial: number): StoredVersion<F> | undefined {
    const held = this.#use(serial);
    if (held !== undefined || this.#givenUp.get(serial) === undefined) return held;
    throw new IoliteError(
      'ERR_IOLITE_LIMIT',
      `Cannot read version ${serial}: it was given up, as this domain holds more than ` +
        `${MAX_PINNED_VERSIONS} versions of large contents`,
    );
  }

  /** The index has dropped a version. */
  drop(serial: number): void {
    const held = this.#versions.get(serial);
    this.#versions.delete(serial);
    held?.release();
  }

  clear(): void {
    for (const held of this.#versions.values()) held.release();
    this.#versions.clear();
  }

  /** Used last of all from now on. */
  #use(serial: number): StoredVersion<F> | undefined {
    const held = this.#versions.get(serial);
    if (held === undefined) return undefined;
    this.#versions.delete(serial);
    this.#versions.set(serial, held);
    return held;
  }
}
