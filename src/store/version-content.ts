import { Aggregate } from '../aggregate/aggregate.ts';
import { shareTree } from '../aggregate/byte-sequence.ts';
import type { Facts, Held } from './stored-version.ts';

/**
 * Content that was read from a cache: as long as it is not released, what it was read from counts as being in
 * use.
 */
export class HeldContent<F extends Facts> extends Aggregate {
  readonly #held: Held<F>;

  /**
   * Shares the content, copies nothing. @param content of `held`, or a part of it, which stays the caller's
   */
  constructor(content: Aggregate, held: Held<F>) {
    super(shareTree(content));
    this.#held = held.retain();
  }

  override release(): void {
    super.release();
    this.#held.release();
  }
}
