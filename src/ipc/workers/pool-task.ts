import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { Json } from '../../base/json.ts';
import type { Waiter } from '../flow/wait-queue.ts';
import type { Message } from '../message.ts';
import type { PendingRequest } from '../pending-requests.ts';
import { copiedHead } from '../wire/head.ts';
import type { PoolWorker } from './pool-worker.ts';
import type { Abortable } from './signal-tasks.ts';
import { readResult, type TaskResult } from './task-message.ts';

/** How a task ended. */
export type TaskOutcome = 'completed' | 'failed' | 'aborted';

/** What a task tells its pool. */
export interface TaskHost {
  /** It waits no longer: its worker has it. @param waited milliseconds */
  began(waited: number): void;
  /** It was aborted or refused while it waited. */
  left(task: PoolTask): void;
  /** It is aborted, and its worker told: it may go on for a while. */
  aborting(task: PoolTask, worker: PoolWorker): void;
  /** Whoever ran it is told how it ended. */
  settled(task: PoolTask, outcome: TaskOutcome): void;
  /** Its worker has done with it. @param ran milliseconds */
  done(task: PoolTask, worker: PoolWorker, ran: number): void;
}

/**
 * A task from run() to its end.
 *
 *     waiting  -> running   a worker has a place
 *     running  -> over      the worker answered, or is gone
 *     running  -> aborted   its signal says so: whoever ran it is told, and the worker, which still has it
 *     aborted  -> over      the worker answered, or is gone
 *     waiting  -> over      it was aborted, or refused
 */
export class PoolTask implements Waiter<PoolWorker>, PendingRequest, Abortable {
  readonly signal: AbortSignal | undefined;
  readonly #host: TaskHost;
  readonly #settle: { resolve: (result: TaskResult) => void; reject: (error: unknown) => void };
  #state: 'waiting' | 'running' | 'aborted' | 'over' = 'waiting';
  #head: Json;
  #body: Aggregate | undefined;
  /** Whether the body is ours to release. */
  #isOwn = false;
  #since = performance.now();
  #worker: PoolWorker | undefined;
  #number = 0;

  /** @param body stays the caller's, who may release it when this has begun or {@link keep} was called */
  constructor(
    host: TaskHost,
    head: Json,
    body: Aggregate | undefined,
    signal: AbortSignal | undefined,
    settle: { resolve: (result: TaskResult) => void; reject: (error: unknown) => void },
  ) {
    this.#host = host;
    this.#head = head;
    this.#body = body;
    this.signal = signal;
    this.#settle = settle;
  }

  /**
   * It has to wait: what it was given is copied as it is now. @throws ERR_IOLITE_RELEASED, ERR_IOLITE_RANGE
   */
  keep(): void {
    this.#head = copiedHead(this.#head);
    this.#body = this.#body?.duplicate();
    this.#isOwn = true;
  }

  start(worker: PoolWorker): void {
    const now = performance.now();
    this.#host.began(now - this.#since);
    this.#since = now;
    this.#state = 'running';
    this.#worker = worker;
    const body = this.#body;
    this.#number = worker.take(body === undefined ? { head: this.#head } : { head: this.#head, body }, this);
    this.#letGo();
  }

  refuse(reason: unknown): void {
    this.#state = 'over';
    this.#letGo();
    this.#host.left(this);
    this.#host.settled(this, 'failed');
    this.#settle.reject(reason);
  }

  abort(reason: unknown): void {
    if (this.#state === 'waiting') {
      this.#state = 'over';
      this.#letGo();
      this.#host.left(this);
    } else if (this.#state === 'running') {
      this.#state = 'aborted';
      const worker = this.#worker as PoolWorker;
      if (worker.waive(this.#number)) this.#host.aborting(this, worker);
      else this.#done();
    } else return;
    this.#host.settled(this, 'aborted');
    this.#settle.reject(reason);
  }

  /** Whether its worker has it, though nobody waits for it. */
  get isAborted(): boolean {
    return this.#state === 'aborted';
  }

  // As the channel has it

  resolve(message: Message): void {
    if (this.#state === 'aborted') {
      message.body?.release();
      this.#done();
      return;
    }
    let result: TaskResult;
    try {
      result = readResult(message);
    } catch (error) {
      this.reject(error);
      return;
    }
    this.#host.settled(this, 'completed');
    this.#settle.resolve(result);
    this.#done();
  }

  reject(error: unknown): void {
    if (this.#state === 'running') {
      this.#host.settled(this, 'failed');
      this.#settle.reject(error);
    }
    this.#done();
  }

  #done(): void {
    this.#state = 'over';
    const worker = this.#worker as PoolWorker;
    this.#host.done(this, worker, performance.now() - this.#since);
  }

  #letGo(): void {
    if (this.#isOwn) this.#body?.release();
    this.#isOwn = false;
    this.#body = undefined;
    this.#head = null;
  }
}
