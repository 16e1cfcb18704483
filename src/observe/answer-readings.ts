import { type AnswerMetrics, LANES } from './answer-metrics.ts';
import type { DurationHistogram } from './duration-histogram.ts';
import { histogramValues } from './histogram-values.ts';
import { CollectedMetric, combined, type MetricValue } from './metric.ts';

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
      combined(
        [...counted].flatMap(metrics =>
          metrics.counts().map(({ lane, method, status, count }) => ({
            labels: { lane, method, status: String(status) },
            value: count,
          })),
        ),
        'sum',
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
    () => combined([...counted].filter(each => each.wantsDuration).flatMap(durationsOf), 'sum'),
  ),
];

function single(read: (metrics: AnswerMetrics) => number): readonly MetricValue[] {
  return [{ labels: {}, value: [...counted].reduce((sum, metrics) => sum + read(metrics), 0) }];
}

function durationsOf({ durations }: AnswerMetrics): MetricValue[] {
  return LANES.flatMap(lane => histogramValues(DURATION, { lane }, durations.get(lane) as DurationHistogram));
}
