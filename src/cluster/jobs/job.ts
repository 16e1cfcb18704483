import type { JsMsg } from '@nats-io/jetstream';
import type { Aggregate } from '../../aggregate/aggregate.ts';
import { MAX_TIMEOUT_MS } from '../../base/deadlines.ts';
import { ArgumentError, checkInteger, describe, IoliteError } from '../../base/error.ts';
import type { Json } from '../../base/json.ts';
import { ClusterError } from '../cluster-error.ts';

const NS_PER_MS = 1_000_000;

/** What a job needs of its queue. */
export interface JobHost {
  /** How often it is said that the worker lives: milliseconds. */
  readonly workingMs: number;
  /** Tells NATS what becomes of the job, and waits until it has noted that. */
  settle(subject: string, verdict: string): Promise<void>;
  /** The job is done: its body goes. */
  done(job: Job): Promise<void>;
  /** The job cannot be done: it is put where failed ones are. */
  failed(job: Job, reason: string): Promise<void>;
  /** The worker has finished with it, however. */
  finished(job: Job): void;
}

/**
 * A job that a worker has. Finish it by done(), retry() or fail(): until then NATS is told that it is worked
 * on, and when this process dies another worker is given it.
 */
export class Job {
  /** As add() has told it. */
  readonly id: string;
  /** As it was added. */
  readonly head: Json | undefined;
  /**
   * As it was added, in buffers of the pool; undefined where it has none. Released when the job is finished,
   * or before by whoever wants.
   */
  readonly body: Aggregate | undefined;
  /** How often it was given to a worker, this time among them. */
  readonly deliveries: number;
  readonly #message: JsMsg;
  readonly #host: JobHost;
  readonly #timer: NodeJS.Timeout;
  #state: 'open' | 'finishing' | 'finished' = 'open';

  /**
   * Use jobs.take().
   * @internal
   */
  constructor(
    message: JsMsg,
    content: { readonly id: string; readonly head: Json | undefined; readonly body: Aggregate | undefined },
    host: JobHost,
  ) {
    this.id = content.id;
    this.head = content.head;
    this.body = content.body;
    this.deliveries = message.info.deliveryCount;
    this.#message = message;
    this.#host = host;
    this.#timer = setInterval(() => this.#working(), host.workingMs).unref();
  }

  /** Whether it is finished here. */
  get finished(): boolean {
    return this.#state === 'finished';
  }

  /**
   * It is done, and nobody is given it again.
   * @returns when NATS has noted it
   * @throws ERR_IOLITE_CLUSTER when NATS did not confirm it: another worker may be given it again, so call it
   *   again, or see to it that to do the job twice is harmless; ERR_IOLITE_CLOSED when it was finished
   */
  async done(): Promise<void> {
    await this.#finish('done', async () => {
      await this.#host.settle(verdictSubject(this.#message), '+ACK');
      await this.#host.done(this);
    });
  }

  /**
   * Another worker, or this one, is to try it again. @param delayMs from now. Default: at once
   * @throws as {@link done}; ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
   */
  async retry(delayMs = 0): Promise<void> {
    checkInteger(delayMs, 'delayMs', 0, MAX_TIMEOUT_MS);
    const verdict = `-NAK ${JSON.stringify({ delay: delayMs * NS_PER_MS })}`;
    await this.#finish('retry', () => this.#host.settle(verdictSubject(this.#message), verdict));
  }

  /**
   * It cannot be done: it is put where failed ones are.
   * @param reason what is said of it there
   * @throws ERR_IOLITE_CLUSTER when NATS did not take it: then it is given to a worker again
   */
  async fail(reason: string): Promise<void> {
    if (typeof reason !== 'string')
      throw new ArgumentError(`Cannot fail job: a reason is wanted, ${describe(reason)} was given`);
    await this.#finish('fail', async () => {
      await this.#host.failed(this, reason);
      await this.#host.settle(verdictSubject(this.#message), '+TERM');
    });
  }

  async #finish(what: string, act: () => Promise<void>): Promise<void> {
    if (this.#state !== 'open')
      throw new IoliteError('ERR_IOLITE_CLOSED', `Cannot ${what} job: it was finished before`);
    this.#state = 'finishing';
    try {
      await act();
    } catch (cause) {
      this.#state = 'open';
      if (cause instanceof IoliteError) throw cause;
      const why = `Cannot ${what} job: ${(cause as Error).message}`;
      throw new ClusterError(why, { cause, outcome: 'unknown' });
    }
    this.#end();
  }

  #end(): void {
    this.#state = 'finished';
    clearInterval(this.#timer);
    this.body?.[Symbol.dispose]();
    this.#host.finished(this);
  }

  #working(): void {
    try {
      this.#message.working();
    } catch {
      // The connection is closed: another worker is given it.
      clearInterval(this.#timer);
    }
  }
}

/** Where NATS is told what becomes of a job. (The client would tell it once, heard or not.) */
export function verdictSubject(message: JsMsg): string {
  return (message as JsMsg & { readonly reply: string }).reply;
}
