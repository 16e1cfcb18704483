import type { FileCache } from '../../file/cache/file-cache.ts';
import type { Worker } from '../../ipc/meet/supervisor.ts';
import { readStatus, type Status } from '../../observe/status.ts';
import { WorkerMessage } from './worker-message.ts';

/** What a worker has to say how many requests it has served. */
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
  readonly #requests = new WeakMap<Worker, number>();
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
      requests: await this.#requestsOf(worker),
    }));
    return readStatus({
      processes: [
        { role: 'primary', pid: process.pid, requests: 0 },
        ...(await Promise.all(observed)),
        ...applications.map(({ pid }) => ({ role: 'application', pid, requests: 0 })),
      ],
      files: entries,
      dataBytes: bytes,
      servers: workers.length,
    });
  }

  async #requestsOf(worker: Worker): Promise<number> {
    try {
      const signal = AbortSignal.timeout(ANSWER_LIMIT_MS);
      const { head } = await worker.channel.request({ head: { type: WorkerMessage.REQUESTS } }, { signal });
      this.#requests.set(worker, Number((head as { requests?: number } | undefined)?.requests ?? 0));
    } catch {
      // It is busy, or gone.
    }
    return this.#requests.get(worker) ?? 0;
  }
}
