import type { MetricReading, MetricValue } from '../../../observe/metric.ts';
import type { LaneDurations, NamedFigure } from './inspector-status.ts';

/** Labels that values have to have. */
export type WantedLabels = Readonly<Record<string, string>>;

/** What some processes have told of themselves, as sums over them. What nobody told is 0, or not there. */
export class ToldFigures {
  readonly #values = new Map<string, MetricValue[]>();

  constructor(told: Iterable<readonly MetricReading[]>) {
    for (const metrics of told) {
      for (const { name, values } of metrics) {
        const known = this.#values.get(name);
        if (known === undefined) this.#values.set(name, [...values]);
        else known.push(...values);
      }
    }
  }

  /** Names of metrics that begin so. */
  named(prefix: string): string[] {
    return [...this.#values.keys()].filter(name => name.startsWith(prefix));
  }

  values(name: string): readonly MetricValue[] {
    return this.#values.get(name) ?? [];
  }

  /** Undefined where nobody told it. */
  known(name: string, labels: WantedLabels = {}): number | undefined {
    const values = this.values(name).filter(value => hasLabels(value, labels));
    return values.length === 0 ? undefined : values.reduce((sum, { value }) => sum + value, 0);
  }

  sum(name: string, labels: WantedLabels = {}): number {
    return this.known(name, labels) ?? 0;
  }

  /** Sums by a label, in the order of its values. */
  by(name: string, label: string): NamedFigure[] {
    const sums = new Map<string, number>();
    for (const { labels, value } of this.values(name)) {
      const key = labels[label];
      if (key !== undefined) sums.set(key, (sums.get(key) ?? 0) + value);
    }
    return [...sums]
      .map(([key, value]) => ({ name: key, value }))
      .sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
  }

  /** A histogram by the label `lane`, of those that have counted anything. */
  durations(name: string): LaneDurations[] {
    const lanes = new Map<string, { ends: Map<string, number>; sum: number }>();
    for (const { labels, value, metricName } of this.values(name)) {
      const { lane = '', le } = labels;
      const known = lanes.get(lane) ?? { ends: new Map<string, number>(), sum: 0 };
      lanes.set(lane, known);
      if (metricName === `${name}_sum`) known.sum += value;
      if (le !== undefined) known.ends.set(le, (known.ends.get(le) ?? 0) + value);
    }
    return [...lanes].map(([lane, { ends, sum }]) => ({
      lane,
      sum,
      buckets: [...ends].map(([le, count]) => [le === '+Inf' ? null : Number(le), count] as const),
    }));
  }
}

function hasLabels({ labels }: MetricValue, wanted: WantedLabels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
