import type { FileCache } from '../../../file/cache/file-cache.ts';
import type { Worker } from '../../../ipc/meet/supervisor.ts';
import { type AnswerFigures, figuresOf, NO_FIGURES } from '../../../observe/answer-metrics.ts';
import { readStatus, type Status } from '../../../observe/status.ts';
import { WorkerMessage } from '../worker-message.ts';

/** How long a worker has to tell its figures. */
const ANSWER_LIMIT_MS = 1000;

/** The processes that a primary has started. */
export interface ServerProcesses {
  workers(): readonly Worker[];
  applications(): readonly Worker[];
}

/** The status of a primary and its workers, measured at most once at a time however many ask. */
export class StatusReader {
  readonly #cache: FileCache;
  readonly #processes: ServerProcesses;
  /** What each worker last said, for when one is too busy to answer. */
  readonly #figures = new WeakMap<Worker, AnswerFigures>();
  #reading: Promise<Status> | undefined;

  constructor(cache: FileCache, processes: ServerProcesses) {
    this.#cache = cache;
    this.#processes = processes;
  }

  read(): Promise<Status> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<Status> {
    const workers = this.#processes.workers();
    const applications = this.#processes.applications();
    const { entries, bytes } = this.#cache.stats();
    const observed = workers.map(async worker => ({
      role: 'worker',
      pid: worker.pid,
      figures: await this.#figuresOf(worker),
    }));
    return readStatus({
      processes: [
        { role: 'primary', pid: process.pid, figures: NO_FIGURES },
        ...(await Promise.all(observed)),
        ...applications.map(({ pid }) => ({ role: 'application', pid, figures: NO_FIGURES })),
      ],
      files: entries,
      dataBytes: bytes,
      servers: workers.length,
    });
  }

  async #figuresOf(worker: Worker): Promise<AnswerFigures> {
    try {
      const signal = AbortSignal.timeout(ANSWER_LIMIT_MS);
      const { head } = await worker.channel.request({ head: { type: WorkerMessage.FIGURES } }, { signal });
      this.#figures.set(worker, figuresOf(head));
    } catch {
      // It is busy, or gone.
    }
    return this.#figures.get(worker) ?? NO_FIGURES;
  }
}
