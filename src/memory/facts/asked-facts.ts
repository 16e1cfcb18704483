import type { ContentRange } from '../chunk.ts';

/** Facts that the owner of a chunk is asked for, at most. */
const MAX_QUESTIONS = 64;

/** What the owner of a chunk was asked for, of one generation: each once. */
export class AskedFacts {
  readonly #asked = new Set<string>();
  #generation = 0;

  /** Whether that may be asked, and was not before. Takes it down. */
  isNew(generation: number, name: string, ranges: readonly ContentRange[]): boolean {
    if (generation !== this.#generation) this.#asked.clear();
    this.#generation = generation;
    const question = `${name} ${ranges.map(({ start, end }) => `${start}.${end}`).join(' ')}`;
    if (this.#asked.size >= MAX_QUESTIONS || this.#asked.has(question)) return false;
    this.#asked.add(question);
    return true;
  }
}
