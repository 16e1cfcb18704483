import { observe, type Sample, type SourceKind } from './sources.ts';

/** How often something happened. */
export interface Count {
  count: number;
}

/**
 * How often things happened in this process that are too rare, or too short-lived, to be counted by whom they
 * happened to: by a label each. Counting costs a look into a map, or none for who keeps the {@link Count}.
 */
export class EventCounts {
  readonly #label: string;
  readonly #counts = new Map<string, Count>();

  /**
   * @param kind that it is a source of, with the figure `count`
   * @param label whose values are few
   */
  constructor(kind: SourceKind, label: string) {
    this.#label = label;
    observe(kind, this, EventCounts.#samplesOf);
  }

  static #samplesOf(counts: EventCounts): readonly Sample[] {
    const samples = Array.from(counts.#counts, ([value, { count }]) => ({
      labels: { [counts.#label]: value },
      figures: { count },
    }));
    // Where nothing of the kind has happened there may be no such thing: no proxy, say.
    return samples.some(({ figures }) => figures.count > 0) ? samples : [];
  }

  /** It happened. @param value of the label */
  add(value: string, count = 1): void {
    this.of(value).count += count;
  }

  /** What is counted by a value of the label. */
  of(value: string): Count {
    let count = this.#counts.get(value);
    if (count === undefined) {
      count = { count: 0 };
      this.#counts.set(value, count);
    }
    return count;
  }
}
