import type { ContentFacts, StoredVersion } from '../stored-version.ts';

/** Versions that the owner of a store keeps a file open for, or the like, as long as they are held here. */
export class IndexPins<F extends ContentFacts, Owner extends object> {
  /** How many of our holders it keeps something for, by serial. */
  readonly #holders = new Map<number, number>();
  readonly #owners = new WeakMap<StoredVersion<F>, Owner>();

  /** @param onLast called with one that nobody here holds any more, nor another of its serial */
  add(held: StoredVersion<F>, owner: Owner | undefined, onLast: (held: StoredVersion<F>) => unknown): void {
    const { serial } = held;
    if (owner !== undefined) this.#owners.set(held, owner);
    this.#holders.set(serial, (this.#holders.get(serial) ?? 0) + 1);
    held.onEnd = () => {
      const left = (this.#holders.get(serial) ?? 1) - 1;
      if (left > 0) {
        this.#holders.set(serial, left);
        return;
      }
      this.#holders.delete(serial);
      onLast(held);
    };
  }

  has(serial: number): boolean {
    return this.#holders.has(serial);
  }

  /** Which owner keeps something for a version. */
  ownerOf(held: StoredVersion<F>): Owner | undefined {
    return this.#owners.get(held);
  }

  /** There is another owner, who keeps nothing. */
  clear(): void {
    this.#holders.clear();
  }
}
