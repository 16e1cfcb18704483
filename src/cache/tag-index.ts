import { SteadyMap } from '../base/maps/steady-map.ts';

/** Keys by the tags that their values have. About a hundred bytes for each. */
export class TagIndex {
  readonly #byTag = new Map<string, SteadyMap<string, true>>();

  add(key: string, tags: readonly string[] = []): void {
    for (const tag of tags) {
      let keys = this.#byTag.get(tag);
      if (keys === undefined) {
        keys = new SteadyMap();
        this.#byTag.set(tag, keys);
      }
      keys.set(key, true);
    }
  }

  delete(key: string, tags: readonly string[] = []): void {
    for (const tag of tags) {
      const keys = this.#byTag.get(tag);
      if (keys?.delete(key) === true && keys.size === 0) this.#byTag.delete(tag);
    }
  }

  /** The keys that have a tag, as of now. */
  keysOf(tag: string): readonly string[] {
    return [...(this.#byTag.get(tag)?.keys() ?? [])];
  }
}
