import { AggregatorRegistry } from 'prom-client';
import type { Worker } from '../../../ipc/meet/supervisor.ts';
import type { MetricReading } from '../../../observe/metric.ts';
import { snapshot } from '../../../observe/registry.ts';
import { WorkerMessage } from '../worker-message.ts';

/** How long a process has to tell: one that is busier is missing. */
const ANSWER_LIMIT_MS = 1000;

/** What all processes tell of themselves, each by its role, asked for at most once at a time. */
export class MetricsReader {
  readonly #workers: () => readonly Worker[];
  #reading: Promise<string> | undefined;

  constructor(workers: () => readonly Worker[]) {
    this.#workers = workers;
  }

  /** In Prometheus' text format. */
  read(): Promise<string> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<string> {
    const told = await Promise.all([
      snapshot().then(metrics => withRole(metrics, 'primary')),
      ...this.#workers().map(async ({ channel }) => withRole(await readingsOf(channel), 'worker')),
    ]);
    return AggregatorRegistry.aggregate(
      told as unknown as Parameters<typeof AggregatorRegistry.aggregate>[0],
    ).metrics();
  }
}

async function readingsOf(channel: Worker['channel']): Promise<readonly MetricReading[]> {
  try {
    const { head } = await channel.request(
      { head: { type: WorkerMessage.METRICS } },
      { timeout: ANSWER_LIMIT_MS },
    );
    return head as unknown as readonly MetricReading[];
  } catch {
    // It is busy, or gone: the number of processes says so.
    return [];
  }
}

/** Of processes in one role the values become one. */
function withRole(metrics: readonly MetricReading[], role: string): readonly MetricReading[] {
  return metrics.map(metric => ({
    ...metric,
    values: metric.values.map(value => ({ ...value, labels: { ...value.labels, role } })),
  }));
}
