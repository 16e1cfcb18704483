/** A map that forgets what was put in first when it is full. */
export class BoundedMap<K, V> extends Map<K, V> {
  readonly #limit: number;

  constructor(limit: number) {
    super();
    this.#limit = limit;
  }

  override set(key: K, value: V): this {
    if (this.size >= this.#limit && !this.has(key)) {
      const { value: first } = this.keys().next();
      this.delete(first as K);
    }
    return super.set(key, value);
  }
}
