import { TimedTask } from '../../base/deadlines.ts';
import { ignore } from '../../base/ignore.ts';
import type { Channel } from '../channel.ts';
import type { Message } from '../message.ts';
import type { PendingRequest } from '../pending-requests.ts';
import type { StartedWorker } from './start-worker.ts';

/** A worker of a pool, as events tell of it. */
export interface PoolWorkerInfo {
  /** Counted from 1 as they are started. */
  readonly id: number;
  /** Of its process: of a thread it is ours. */
  readonly pid: number;
  /** Undefined for a process. */
  readonly threadId: number | undefined;
  /** The pool's, whose requests are tasks. Requests of the worker may be answered by `channel.onRequest`. */
  readonly channel: Channel;
}

/** How long a worker has to end that was told to. */
const END_LIMIT_MS = 5000;

/**
 * A worker that serves, until it has ended. Its deadline is the end of the time that it may be idle.
 *
 *     serving -> ending   it is told to end: it has nothing to do, or the pool closes
 *     any     -> ended    it is killed, its channel fails, or it is done
 */
export class PoolWorker extends TimedTask implements PoolWorkerInfo {
  readonly id: number;
  readonly pid: number;
  readonly threadId: number | undefined;
  readonly channel: Channel;
  /** Resolves when it has ended: how, for people. */
  readonly end: Promise<string>;
  /** When it was ready, by performance.now(). */
  readonly servedAt = performance.now();
  /** Tasks that it has. */
  inFlight = 0;
  readonly #places: number;
  readonly #started: StartedWorker;
  readonly #idle: (worker: PoolWorker) => void;
  #isServing = true;

  /**
   * @param places tasks that it may have at a time
   * @param idle called when it has been idle for too long
   */
  constructor(id: number, started: StartedWorker, places: number, idle: (worker: PoolWorker) => void) {
    super();
    this.id = id;
    this.pid = started.pid;
    this.threadId = started.threadId;
    this.channel = started.channel;
    this.end = started.end;
    this.#started = started;
    this.#places = places;
    this.#idle = idle;
  }

  /** Whether it can be given a task now. */
  get hasRoom(): boolean {
    return this.#isServing && this.inFlight < this.#places && this.channel.requester.isOpen;
  }

  /** @returns the task's number */
  take(message: Message, task: PendingRequest): number {
    this.inFlight += 1;
    return this.channel.requester.ask(message, task);
  }

  /** Nobody waits for a task any more. @returns false when the worker has not got it, and will not */
  waive(number: number): boolean {
    return this.channel.requester.waive(number);
  }

  /** Ends it when it has done what it was asked; after a while whatever it does. */
  retire(): void {
    if (!this.#isServing) return;
    this.#isServing = false;
    const killer = setTimeout(() => this.#started.kill(), END_LIMIT_MS);
    void this.end.then(() => clearTimeout(killer));
    void this.channel.close();
  }

  /** Ends it now: its tasks fail with the reason. */
  kill(reason: Error): void {
    this.#isServing = false;
    this.channel.destroy(reason);
    this.#started.kill();
  }

  override missed(): void {
    this.#idle(this);
  }
}

/** Asks a worker that was started whether it is ready. @throws what it failed with as it loaded its module */
export async function ready(
  { channel, kill, end }: StartedWorker,
  timeout: number,
  read: (answer: Message) => unknown,
): Promise<void> {
  try {
    read(await channel.request({}, { timeout }));
  } catch (error) {
    channel.destroy();
    kill();
    await end.catch(ignore);
    throw error;
  }
}
