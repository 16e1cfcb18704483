/**
 * Who may see what lies in a chunk: groups of domains, by names that only the maker of the audience
 * understands. What lies in one chunk is for one audience all the time that domains can have the chunk.
 * Compared by identity: see {@link Audiences}.
 */
export class Audience {
  readonly groups: ReadonlySet<string>;

  constructor(groups: ReadonlySet<string>) {
    this.groups = groups;
  }
}

/** The audiences of one memory: one object for each set of groups. */
export class Audiences {
  readonly #known = new Map<string, Audience>();
  /** Those who may see everything, and nobody else. */
  readonly none = this.of([]);

  /** O(groups log groups). */
  of(groups: readonly string[]): Audience {
    const set = new Set([...groups].sort());
    const name = JSON.stringify([...set]);
    let audience = this.#known.get(name);
    if (audience === undefined) {
      audience = new Audience(set);
      this.#known.set(name, audience);
    }
    return audience;
  }
}
