import { complain } from '../complain.ts';

/** What a worker tells of its log: what is wrong, or that it is over, and how many lines that has cost. */
export interface LogTrouble {
  readonly trouble?: string | undefined;
  readonly lost?: number | undefined;
}

/** Says what is wrong with the log, once for all workers that find the same. */
export class LogTroubles {
  /** By the worker's channel, or whatever stands for it. */
  readonly #troubles = new Map<object, string>();
  #lost = 0;

  told(worker: object, { trouble, lost = 0 }: LogTrouble): void {
    if (trouble !== undefined) {
      if (![...this.#troubles.values()].includes(trouble)) complain(trouble);
      this.#troubles.set(worker, trouble);
      return;
    }
    this.#lost += lost;
    if (!this.#troubles.delete(worker) || this.#troubles.size > 0) return;
    complain(`The log is written again; ${this.#lost} of its lines were lost`);
    this.#lost = 0;
  }

  /** The worker has ended. */
  forget(worker: object): void {
    this.#troubles.delete(worker);
    if (this.#troubles.size === 0) this.#lost = 0;
  }
}
