import { DURATION_ENDS_S, type DurationHistogram } from './duration-histogram.ts';
import type { MetricValue } from './metric.ts';
import type { Labels } from './sources.ts';

/** The values of a histogram as Prometheus has them, whose ranges hold all that is below them. */
export function histogramValues(
  name: string,
  labels: Labels,
  { counts, sumMs }: DurationHistogram,
): readonly MetricValue[] {
  let count = 0;
  const buckets = counts.map((each, range): MetricValue => {
    count += each;
    const le = String(DURATION_ENDS_S[range] ?? '+Inf');
    return { labels: { ...labels, le }, value: count, metricName: `${name}_bucket` };
  });
  return [
    ...buckets,
    { labels, value: sumMs / 1000, metricName: `${name}_sum` },
    { labels, value: count, metricName: `${name}_count` },
  ];
}
