import { AggregatorRegistry } from 'prom-client';
import type { Worker } from '../../../ipc/meet/supervisor.ts';
import { combined, type MetricReading } from '../../../observe/metric.ts';
import { METRICS_REQUEST } from '../../../observe/readings-request.ts';
import { snapshot } from '../../../observe/registry.ts';

/** How long a process has to tell: of one that is busier what it told before is what counts. */
const ANSWER_LIMIT_MS = 1000;

/** The processes that run now, those that end in their own time, too. */
export interface MeasuredProcesses {
  workers(): readonly Worker[];
  applications(): readonly Worker[];
}

/**
 * What all processes tell of themselves, each by its role, asked for at most once at a time. What only rises
 * does so here as well, whoever ends or is too busy to answer: to Prometheus a sum that falls is one that
 * began anew, and all of it an increase.
 */
export class MetricsReader {
  readonly #processes: MeasuredProcesses;
  /** What those that run told last, of what only rises. */
  readonly #last = new Map<Worker, readonly MetricReading[]>();
  /** What those that have ended had counted, by the name of the metric. */
  readonly #ended = new Map<string, MetricReading>();
  #reading: Promise<string> | undefined;

  constructor(processes: MeasuredProcesses) {
    this.#processes = processes;
  }

  /** In Prometheus' text format. */
  read(): Promise<string> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<string> {
    const workers = this.#processes.workers();
    const applications = this.#processes.applications();
    const running = new Set([...workers, ...applications]);
    for (const process of this.#last.keys()) if (!running.has(process)) this.#forget(process);
    const told = await Promise.all([
      snapshot().then(metrics => withRole(metrics, 'primary')),
      ...workers.map(worker => this.#readingsOf(worker, 'worker')),
      ...applications.map(application => this.#readingsOf(application, 'application')),
    ]);
    return AggregatorRegistry.aggregate([...told, [...this.#ended.values()]] as unknown as Parameters<
      typeof AggregatorRegistry.aggregate
    >[0]).metrics();
  }

  async #readingsOf(process: Worker, role: string): Promise<readonly MetricReading[]> {
    try {
      const { head } = await process.channel.request(
        { head: { type: METRICS_REQUEST } },
        { timeout: ANSWER_LIMIT_MS },
      );
      const metrics = withRole(head as unknown as readonly MetricReading[], role);
      this.#last.set(
        process,
        metrics.filter(({ type }) => type !== 'gauge'),
      );
      return metrics;
    } catch {
      // It is busy, or gone: the number of processes says so.
      return this.#last.get(process) ?? [];
    }
  }

  #forget(process: Worker): void {
    for (const metric of this.#last.get(process) ?? []) {
      const before = this.#ended.get(metric.name)?.values ?? [];
      this.#ended.set(metric.name, { ...metric, values: combined([...before, ...metric.values], 'sum') });
    }
    this.#last.delete(process);
  }
}

/** Of processes in one role the values become one. */
function withRole(metrics: readonly MetricReading[], role: string): readonly MetricReading[] {
  return metrics.map(metric => ({
    ...metric,
    values: metric.values.map(value => ({ ...value, labels: { ...value.labels, role } })),
  }));
}
