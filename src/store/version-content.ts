import { Aggregate } from '../aggregate/aggregate.ts';
import { shareTree } from '../aggregate/byte-sequence.ts';
import type { ContentFacts, StoredVersion } from './stored-version.ts';

/**
 * Content that was read from a cache: as long as it is not released, what it was read from counts as being in
 * use.
 */
export class VersionContent<F extends ContentFacts> extends Aggregate {
  readonly #held: StoredVersion<F>;

  /**
   * Shares the content, copies nothing.
   * @param part of the content, which the caller keeps. Default: all of it
   */
  constructor(held: StoredVersion<F>, part?: Aggregate) {
    super(part === undefined ? held.shareTree() : shareTree(part));
    this.#held = held.retain();
  }

  override release(): void {
    super.release();
    this.#held.release();
  }
}
