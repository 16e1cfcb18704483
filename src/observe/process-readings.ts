import { readFileSync } from 'node:fs';
import { EventLoopDelay } from './event-loop-delay.ts';
import { CollectedMetric, type MetricReading } from './metric.ts';

const US_IN_S = 1e6;
const PERCENTS = [50, 99] as const;

let delay: EventLoopDelay | undefined;

/** Begins to watch the event loop of this thread, from the first time on: see {@link EventLoopDelay}. */
export function watchEventLoop(): void {
  delay ??= new EventLoopDelay();
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
      help: 'How much later than it should the event loop comes to a timer, over the last one to two minutes',
      type: 'gauge',
      aggregator: 'max',
    },
    () => {
      if (delay === undefined) return [];
      const { max } = delay;
      return [
        ...PERCENTS.map(percent => ({
          labels: { at: `p${percent}` },
          value: delay?.percentile(percent) ?? 0,
        })),
        { labels: { at: 'max' }, value: max },
      ];
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
