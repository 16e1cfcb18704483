import { invariant } from '../../../base/invariant.ts';

/**
 * What bodies that are to be stored take in memory together while they come, and until they are read where
 * they were not stored after all. Each may take as much as a stored one; that clients who read nothing have
 * many of them come at a time is to cost no more than the budget once again.
 */
export class BodyRoom {
  readonly #most: () => number;
  #bytes = 0;

  /** @param most in bytes, as it is at any time */
  constructor(most: () => number) {
    this.#most = most;
  }

  /** Of all bodies. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether so many more bytes may be kept. */
  has(bytes: number): boolean {
    return this.#bytes + bytes <= this.#most();
  }

  /** A body takes so many more bytes, or fewer. */
  add(bytes: number): void {
    this.#bytes += bytes;
    invariant(this.#bytes >= 0, 'bytes of bodies that are kept are those of bodies');
  }
}
