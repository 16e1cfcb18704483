/** Finds what belongs to a name that a client asks for: a name itself, else the longest `*.` that fits. */
export class ServerNames<T> {
  readonly #byName = new Map<string, T>();

  /** @param entries what was there first has a name that comes again */
  constructor(entries: Iterable<readonly [names: readonly string[], item: T]>) {
    for (const [names, item] of entries) {
      for (const name of names) if (!this.#byName.has(name)) this.#byName.set(name, item);
    }
  }

  /** @param name in whatever case, as it came; undefined where the client names nobody */
  find(name: string | undefined): T | undefined {
    if (name === undefined || name === '') return undefined;
    const wanted = name.toLowerCase();
    const found = this.#byName.get(wanted);
    if (found !== undefined) return found;
    for (let dot = wanted.indexOf('.'); dot !== -1; dot = wanted.indexOf('.', dot + 1)) {
      const wide = this.#byName.get(`*${wanted.slice(dot)}`);
      if (wide !== undefined) return wide;
    }
    return undefined;
  }
}
