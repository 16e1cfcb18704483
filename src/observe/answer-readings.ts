import { type AnswerLane, type AnswerMetrics, LANES } from './answer-metrics.ts';
import { DURATION_ENDS_S, type DurationHistogram } from './duration-histogram.ts';
import { CollectedMetric, type MetricValue } from './metric.ts';

/** Whose answers are counted in this process: those of its servers. */
const counted = new Set<AnswerMetrics>();

/** Has the answers that these count be among what the process tells of itself. */
export function observeAnswers(metrics: AnswerMetrics): void {
  counted.add(metrics);
}

const DURATION = 'iolite_request_duration_seconds';

export const ANSWER_METRICS: readonly CollectedMetric[] = [
  new CollectedMetric(
    {
      name: 'iolite_requests_total',
      help: 'Answers sent, by their status, the method of their request, and who made them',
      type: 'counter',
      aggregator: 'sum',
    },
    () =>
      summed(
        [...counted].flatMap(metrics =>
          metrics.counts().map(({ lane, method, status, count }) => ({
            labels: { lane, method, status: String(status) },
            value: count,
          })),
        ),
      ),
  ),
  new CollectedMetric(
    {
      name: 'iolite_response_body_bytes_total',
      help: 'Bytes of bodies that were sent, as they leave: compressed ones count what is left of them',
      type: 'counter',
      aggregator: 'sum',
    },
    () => single(metrics => metrics.bytes),
  ),
  new CollectedMetric(
    {
      name: 'iolite_log_dropped_total',
      help: 'Answers that the access log has no line of, for it could not be written',
      type: 'counter',
      aggregator: 'sum',
    },
    () => single(metrics => metrics.figures().unlogged),
  ),
  new CollectedMetric(
    {
      name: DURATION,
      help: 'From the reading of a request to the end of its answer, by who made it',
      type: 'histogram',
      aggregator: 'sum',
    },
    () => summed([...counted].filter(each => each.wantsDuration).flatMap(durationsOf)),
  ),
];

function single(read: (metrics: AnswerMetrics) => number): readonly MetricValue[] {
  return [{ labels: {}, value: [...counted].reduce((sum, metrics) => sum + read(metrics), 0) }];
}

function durationsOf({ durations }: AnswerMetrics): MetricValue[] {
  return LANES.flatMap(lane => histogramOf(lane, durations.get(lane) as DurationHistogram));
}

/** The parts of a histogram, whose ranges hold all that is below them. */
function histogramOf(lane: AnswerLane, { counts, sumMs }: DurationHistogram): MetricValue[] {
  let count = 0;
  const buckets = counts.map((each, range): MetricValue => {
    count += each;
    const le = String(DURATION_ENDS_S[range] ?? '+Inf');
    return { labels: { lane, le }, value: count, metricName: `${DURATION}_bucket` };
  });
  return [
    ...buckets,
    { labels: { lane }, value: sumMs / 1000, metricName: `${DURATION}_sum` },
    { labels: { lane }, value: count, metricName: `${DURATION}_count` },
  ];
}

/** Values of the same name and labels as one. */
function summed(values: readonly MetricValue[]): readonly MetricValue[] {
  const sums = new Map<string, MetricValue>();
  for (const each of values) {
    const key = `${each.metricName} ${JSON.stringify(each.labels)}`;
    const { value = 0 } = sums.get(key) ?? {};
    sums.set(key, { ...each, value: value + each.value });
  }
  return [...sums.values()];
}
