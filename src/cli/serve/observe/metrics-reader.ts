import { AggregatorRegistry } from 'prom-client';
import type { Worker } from '../../../ipc/meet/supervisor.ts';
import { combined, type MetricReading } from '../../../observe/metric.ts';
import { METRICS_REQUEST } from '../../../observe/readings-request.ts';
import { snapshot } from '../../../observe/registry.ts';

/** How long a process has to tell: of one that is busier what it told before is what counts. */
const ANSWER_LIMIT_MS = 1000;

/** What one process tells of itself. */
export interface ProcessReadings {
  readonly role: 'primary' | 'worker' | 'application';
  readonly pid: number;
  /** Of one that was too busy to tell, what it had counted when it told last. */
  readonly metrics: readonly MetricReading[];
}

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
  readonly #last = new Map<Worker, Pick<ProcessReadings, 'role' | 'metrics'>>();
  /** What those that have ended had counted, by the name of the metric. */
  readonly #ended = new Map<string, MetricReading>();
  #reading: Promise<readonly ProcessReadings[]> | undefined;

  constructor(processes: MeasuredProcesses) {
    this.#processes = processes;
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
    return AggregatorRegistry.aggregate([...told, [...this.#ended.values()]] as unknown as Parameters<
      typeof AggregatorRegistry.aggregate
    >[0]).metrics();
  }

  #read(): Promise<readonly ProcessReadings[]> {
    const workers = this.#processes.workers();
    const applications = this.#processes.applications();
    const running = new Set([...workers, ...applications]);
    for (const process of this.#last.keys()) if (!running.has(process)) this.#forget(process);
    return Promise.all([
      snapshot().then((metrics): ProcessReadings => ({ role: 'primary', pid: process.pid, metrics })),
      ...workers.map(worker => this.#readingsOf(worker, 'worker')),
      ...applications.map(application => this.#readingsOf(application, 'application')),
    ]);
  }

  async #readingsOf(process: Worker, role: ProcessReadings['role']): Promise<ProcessReadings> {
    const { pid } = process;
    try {
      const { head } = await process.channel.request(
        { head: { type: METRICS_REQUEST } },
        { timeout: ANSWER_LIMIT_MS },
      );
      const metrics = head as unknown as readonly MetricReading[];
      const rising = metrics.filter(({ type }) => type !== 'gauge');
      this.#last.set(process, { role, metrics: rising });
      return { role, pid, metrics };
    } catch {
      // It is busy, or gone: the number of processes says so.
      return { role, pid, metrics: this.#last.get(process)?.metrics ?? [] };
    }
  }

  #forget(process: Worker): void {
    const { role, metrics } = this.#last.get(process) ?? { role: 'worker', metrics: [] };
    for (const metric of withRole(metrics, role)) {
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
