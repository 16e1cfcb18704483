import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { Json } from '../../base/json.ts';
import type { RequestContext } from '../responder.ts';
import type { TaskResult } from './task-message.ts';

/** A function that a worker's module exports. See {@link createWorkerPool}. */
export type TaskFunction = (task: Json | undefined, context: TaskContext) => TaskResult | Promise<TaskResult>;

/** What a task's function may ask besides its task. */
export class TaskContext {
  /**
   * What the task was run with, by reference. Released when the task is over, unless it is what the task
   * gives: `duplicate()` it to keep it longer.
   */
  readonly body: Aggregate | undefined;
  readonly #request: RequestContext;

  constructor(body: Aggregate | undefined, request: RequestContext) {
    this.body = body;
    this.#request = request;
  }

  /** Aborted when nobody waits for the task any more, and when the pool is destroyed or gone. */
  get signal(): AbortSignal {
    return this.#request.signal;
  }
}
