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
   * Shares the content, copies nothing. @param content of `held`, or a part of it; the caller keeps it
   */
  constructor(content: Aggregate, held: StoredVersion<F>) {
    super(content === held.content ? held.shareTree() : shareTree(content));
    this.#held = held.retain();
  }

  override release(): void {
    super.release();
    this.#held.release();
  }
}
