import type { Consumer, ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import type { Job } from './job.ts';

/** A pull asks for so long, and is made anew: one that was lost with its server is missed no longer. */
const PULL_MS = 5000;
const HEARTBEAT_MS = 1000;
const PAUSE_MS = 250;

/** What a taker needs of its queue. */
export interface JobTakerHost {
  /** The consumer that all workers share. */
  consumer(): Promise<Consumer>;
  /**
   * A job of a message; undefined where it is none that can be done. It counts until
   * {@link JobTaker.finished} is called for it.
   */
  open(message: JsMsg, taker: JobTaker): Promise<Job | undefined>;
  /** The consumer is to be looked for anew. */
  lost(): void;
  /** Something went wrong, and is tried again. */
  complain(error: Error): void;
  /** It takes no more. */
  closed(taker: JobTaker): void;
}

/** The jobs that one loop of a worker takes: no more at a time than it may. */
export class JobTaker implements AsyncIterableIterator<Job> {
  readonly #host: JobTakerHost;
  readonly #concurrency: number;
  readonly #signal: AbortSignal | undefined;
  /** Jobs that are here, and that the program has not taken. */
  readonly #ready: Job[] = [];
  readonly #waiters: {
    resolve: (result: IteratorResult<Job, undefined>) => void;
    reject: (error: Error) => void;
  }[] = [];
  /** Jobs that are here and not finished, and messages that become jobs. */
  #unfinished = 0;
  #pull: ConsumerMessages | undefined;
  #isEnded = false;
  /** Whether it was said that NATS is away. */
  #isTold = false;
  #wake = (): void => {};

  constructor(concurrency: number, signal: AbortSignal | undefined, host: JobTakerHost) {
    this.#host = host;
    this.#concurrency = concurrency;
    this.#signal = signal;
    if (signal?.aborted) this.#isEnded = true;
    else signal?.addEventListener('abort', this.#abort, { once: true });
    if (!this.#isEnded) void this.#run();
  }

  /** Its jobs, as they come. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next job, once there is one and fewer than may be are unfinished. Ends with the signal. */
  next(): Promise<IteratorResult<Job, undefined>> {
    const job = this.#ready.shift();
    if (job !== undefined) return Promise.resolve({ value: job, done: false });
    if (this.#isEnded) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** Takes no more. What was given out is the program's to finish; other workers are given the rest. */
  async return(): Promise<IteratorResult<Job, undefined>> {
    await this.end();
    return { value: undefined, done: true };
  }

  /**
   * As {@link return}.
   * @internal
   */
  async end(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#pull?.stop();
    this.#wake();
    for (const { resolve } of this.#waiters.splice(0)) resolve({ value: undefined, done: true });
    this.#host.closed(this);
    await Promise.all(
      this.#ready.splice(0).map(job => job.retry().catch(error => this.#host.complain(error))),
    );
  }

  /**
   * A job that it had opened is finished.
   * @internal
   */
  finished(): void {
    this.#unfinished -= 1;
    this.#wake();
  }

  readonly #abort = (): void => void this.end();

  async #run(): Promise<void> {
    while (!this.#isEnded) {
      const free = this.#concurrency - this.#unfinished;
      if (free <= 0) {
        await new Promise<void>(resolve => {
          this.#wake = resolve;
        });
        continue;
      }
      try {
        await this.#take(free);
      } catch (error) {
        if (this.#isEnded) return;
        this.#host.lost();
        if (!this.#isTold) this.#host.complain(error as Error);
        this.#isTold = true;
        await new Promise(resolve => setTimeout(resolve, PAUSE_MS));
      }
    }
  }

  async #take(count: number): Promise<void> {
    const consumer = await this.#host.consumer();
    if (this.#isEnded) return;
    const pull = await consumer.fetch({
      max_messages: count,
      expires: PULL_MS,
      idle_heartbeat: HEARTBEAT_MS,
    });
    this.#pull = pull;
    if (this.#isEnded) pull.stop();
    try {
      for await (const message of pull) {
        this.#isTold = false;
        this.#unfinished += 1;
        void this.#open(message);
      }
    } finally {
      this.#pull = undefined;
    }
  }

  async #open(message: JsMsg): Promise<void> {
    let job: Job | undefined;
    try {
      job = await this.#host.open(message, this);
    } catch (error) {
      // Nobody has said what becomes of it: it is given to a worker again.
      this.#host.complain(error as Error);
    }
    if (job === undefined) return this.finished();
    if (this.#isEnded) return job.retry().catch(error => this.#host.complain(error));
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#ready.push(job);
    else waiter.resolve({ value: job, done: false });
  }
}
