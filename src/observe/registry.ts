import { type Metric, Registry } from 'prom-client';
import { ANSWER_METRICS } from './answer-readings.ts';
import { demand } from './demand.ts';
import type { MetricReading } from './metric.ts';
import { PROCESS_METRICS, watchEventLoop } from './process-readings.ts';
import { SOURCE_METRICS } from './source-readings.ts';

/**
 * What this process tells of itself, in a registry of prom-client: its pools, caches, channels and servers,
 * its memory and event loop. `await registry.metrics()` is the text that Prometheus reads. Metrics of your
 * own may be registered beside these, whose names begin with `iolite_`.
 */
export const registry = new Registry();
for (const metric of [...PROCESS_METRICS, ...ANSWER_METRICS, ...SOURCE_METRICS]) {
  // By its shape: it has no label lookup, which is why it is none of prom-client's classes.
  registry.registerMetric(metric as unknown as Metric);
}
watchEventLoop();
demand.durations = true;

/** Of the text that `registry.metrics()` gives. */
export const contentType: string = registry.contentType;

/** The same as JSON: every metric with its values now. */
export async function snapshot(): Promise<readonly MetricReading[]> {
  return (await registry.getMetricsAsJSON()) as unknown as readonly MetricReading[];
}
