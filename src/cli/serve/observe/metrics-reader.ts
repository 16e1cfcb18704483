import { AggregatorRegistry } from 'prom-client';
import type { Worker } from '../../../ipc/meet/supervisor.ts';
import type { MetricReading } from '../../../observe/metric.ts';
import { snapshot } from '../../../observe/registry.ts';
import { WorkerMessage } from '../worker-message.ts';

/** How long a process has to tell: one that is busier is missing. */
const ANSWER_LIMIT_MS = 1000;

/** What one process tells of itself. */
export interface ProcessReadings {
  readonly role: 'primary' | 'worker';
  readonly pid: number;
  /** Empty where it was too busy to tell. */
  readonly metrics: readonly MetricReading[];
}

/** What all processes tell of themselves, asked for at most once at a time. */
export class MetricsReader {
  readonly #workers: () => readonly Worker[];
  #reading: Promise<readonly ProcessReadings[]> | undefined;

  constructor(workers: () => readonly Worker[]) {
    this.#workers = workers;
  }

  /** Of each process by itself, the primary first. */
  readings(): Promise<readonly ProcessReadings[]> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** In Prometheus' text format, with the processes of a role as one. */
  async read(): Promise<string> {
    const told = (await this.readings()).map(({ role, metrics }) => withRole(metrics, role));
    return AggregatorRegistry.aggregate(
      told as unknown as Parameters<typeof AggregatorRegistry.aggregate>[0],
    ).metrics();
  }

  #read(): Promise<readonly ProcessReadings[]> {
    return Promise.all([
      snapshot().then((metrics): ProcessReadings => ({ role: 'primary', pid: process.pid, metrics })),
      ...this.#workers().map(
        async ({ pid, channel }): Promise<ProcessReadings> => ({
          role: 'worker',
          pid,
          metrics: await readingsOf(channel),
        }),
      ),
    ]);
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
