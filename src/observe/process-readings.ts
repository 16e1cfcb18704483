import { readFileSync } from 'node:fs';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { CollectedMetric, type MetricReading } from './metric.ts';

/** How often the event loop is looked at: what lasts longer is seen. */
const RESOLUTION_MS = 20;
const NS_IN_S = 1e9;
const US_IN_S = 1e6;
const PERCENTS = [50, 99] as const;

let delay: IntervalHistogram | undefined;

/** Begins to watch the event loop: a timer of 20 ms in this thread, from the first time on. */
export function watchEventLoop(): void {
  if (delay !== undefined) return;
  delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
}

function metric(
  name: string,
  help: string,
  type: MetricReading['type'],
  read: () => number,
): CollectedMetric {
  return new CollectedMetric({ name, help, type, aggregator: 'sum' }, () => [{ labels: {}, value: read() }]);
}

/** What every process tells of itself. Sums over processes of one role; delays are of the worst of them. */
export const PROCESS_METRICS: readonly CollectedMetric[] = [
  metric('iolite_processes', 'Processes that have told of themselves', 'gauge', () => 1),
  metric('iolite_process_cpu_seconds_total', 'Time on processors, in user and kernel mode', 'counter', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / US_IN_S;
  }),
  metric(
    'iolite_process_memory_bytes',
    'Proportional set size: memory that is shared counts once in the sum',
    'gauge',
    proportionalSetSize,
  ),
  metric(
    'iolite_process_heap_bytes',
    'Heap of JavaScript that is in use',
    'gauge',
    () => process.memoryUsage().heapUsed,
  ),
  new CollectedMetric(
    {
      name: 'iolite_event_loop_delay_seconds',
      help: 'How much later than it should the event loop comes to a timer, since the last reading',
      type: 'gauge',
      aggregator: 'max',
    },
    () => {
      if (delay === undefined) return [];
      const late = (ns: number): number => Math.max(0, ns / NS_IN_S - RESOLUTION_MS / 1000);
      const values = [
        ...PERCENTS.map(percent => ({
          labels: { at: `p${percent}` },
          value: late(delay?.percentile(percent) ?? 0),
        })),
        { labels: { at: 'max' }, value: late(delay.max) },
      ];
      delay.reset();
      return values;
    },
  ),
];

/** Without the kernel's word for it, the resident set. */
function proportionalSetSize(): number {
  try {
    const [, kilobytes] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8')) ?? [];
    if (kilobytes !== undefined) return Number(kilobytes) * 1024;
  } catch {
    // Not this kernel, or not here.
  }
  return process.memoryUsage.rss();
}
