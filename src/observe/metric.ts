/** One number of a metric, with what it is of. */
export interface MetricValue {
  /** What tells it from the others of its metric. */
  readonly labels: Readonly<Record<string, string>>;
  /** The number itself. */
  readonly value: number;
  /** For the parts of a histogram: its name with _bucket, _sum or _count. */
  readonly metricName?: string;
}

/** A metric as prom-client's registries take and merge them; JSON. */
export interface MetricReading {
  /** As it stands in the text. */
  readonly name: string;
  /** What it says, in a sentence. */
  readonly help: string;
  /** How its values are to be taken. */
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** How those of several processes become one. */
  readonly aggregator: 'sum' | 'max' | 'min';
  /** Its values by their labels. */
  readonly values: readonly MetricValue[];
}

/**
 * A metric whose values are read when somebody asks, from what is counted anyway: prom-client's own counters
 * look their labels up at each count, which is more than all else that we do for a small answer.
 */
export class CollectedMetric {
  readonly name: string;
  readonly help: string;
  readonly type: MetricReading['type'];
  readonly aggregator: MetricReading['aggregator'];
  readonly #read: () => readonly MetricValue[];

  constructor(head: Omit<MetricReading, 'values'>, read: () => readonly MetricValue[]) {
    this.name = head.name;
    this.help = head.help;
    this.type = head.type;
    this.aggregator = head.aggregator;
    this.#read = read;
  }

  /** What a registry asks for. */
  get(): MetricReading {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: this.#read() };
  }

  /** What a registry may ask for: what is counted is counted for others, too. */
  reset(): void {}
}

/** Values of the same name and labels as one. */
export function combined(
  values: readonly MetricValue[],
  aggregator: MetricReading['aggregator'],
): readonly MetricValue[] {
  const found = new Map<string, MetricValue>();
  for (const each of values) {
    const key = `${each.metricName} ${JSON.stringify(each.labels)}`;
    const before = found.get(key);
    const value = before === undefined ? each.value : combine[aggregator](before.value, each.value);
    found.set(key, { ...each, value });
  }
  return [...found.values()];
}

const combine = { sum: (a: number, b: number) => a + b, max: Math.max, min: Math.min };
