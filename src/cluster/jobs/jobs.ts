import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { Consumer, JsMsg } from '@nats-io/jetstream';
import { Aggregate } from '../../aggregate/aggregate.ts';
import { checkSignal } from '../../aggregate/stream/stream-options.ts';
import {
  ArgumentError,
  checkInteger,
  checkOptionNames,
  describe,
  IoliteError,
  optionNames,
} from '../../base/error.ts';
import { ignore } from '../../base/ignore.ts';
import type { Json } from '../../base/json.ts';
import type { MessageToSend } from '../../ipc/message-content.ts';
import { encodeHead } from '../../ipc/wire/head.ts';
import type { ClusterContext } from '../cluster-context.ts';
import { ClusterError } from '../cluster-error.ts';
import { checkMayLeave } from '../link/leave-machine.ts';
import { type FailedJob, failedJobs } from './failed-jobs.ts';
import { Job, verdictSubject } from './job.ts';
import { JobBodies } from './job-bodies.ts';
import { decodeJob, encodeJob, JOB_OVERHEAD_BYTES, JOB_PIECE_BYTES, type JobContent } from './job-message.ts';
import { type CheckedJobsOptions, checkedJobsOptions, type JobsOptions } from './job-options.ts';
import { JobStreams } from './job-streams.ts';
import { JobTaker } from './job-taker.ts';

/** Options of jobs.take(). */
export interface TakeOptions {
  /** Jobs that may be here and not finished. Default 1. */
  readonly concurrency?: number;
  /** Ends the taking. */
  readonly signal?: AbortSignal | undefined;
}

/** How many jobs there are. */
export interface JobsStats {
  /** That no worker has. */
  readonly waiting: number;
  /** That workers have, or had who are not heard of. */
  readonly taken: number;
  /** Jobs that failed for good and are kept. */
  readonly failed: number;
  /** Of jobs that wait or were taken, with their bodies. */
  readonly bytes: number;
}

interface Events {
  /** A job was put where failed ones are, by this machine: which, and why. */
  failed: [job: { readonly id: string; readonly reason: string }];
}

const TAKE_NAMES = optionNames<TakeOptions>({ concurrency: true, signal: true });
const MAX_HELD_JOBS = 10_000;
const WORKING_PART = 1 / 3;
/** Nobody has it: a body may go wherever a worker is. */
const ANY_WORKER = '*';
const NAME = /^[A-Za-z0-9_-]{1,32}$/;

/**
 * A queue of jobs that NATS keeps: each is given to a worker of some machine, and to another one when that
 * dies, until one says that it is done. So a job is done at least once, and twice if its worker dies between
 * its effect and done(). Use cluster.jobs().
 */
export class Jobs extends EventEmitter<Events> {
  /** As it was opened by. */
  readonly name: string;
  readonly #context: ClusterContext;
  readonly #options: CheckedJobsOptions;
  readonly #streams: JobStreams;
  readonly #bodies: JobBodies;
  readonly #maxInline: number;
  readonly #takers = new Set<JobTaker>();
  #consumer: Promise<Consumer> | undefined;
  #closed = false;

  private constructor(
    context: ClusterContext,
    name: string,
    options: CheckedJobsOptions,
    streams: JobStreams,
  ) {
    super();
    const maxPayload = context.connection.info?.max_payload ?? 2 * JOB_PIECE_BYTES;
    this.name = name;
    this.#context = context;
    this.#options = options;
    this.#streams = streams;
    this.#maxInline = Math.min(JOB_PIECE_BYTES, maxPayload - JOB_OVERHEAD_BYTES);
    this.#bodies = new JobBodies(streams, this.#maxInline, options.pool);
  }

  /**
   * See Cluster.jobs().
   * @internal
   */
  static async open(context: ClusterContext, name: string, options: JobsOptions = {}): Promise<Jobs> {
    if (typeof name !== 'string' || !NAME.test(name))
      throw new ArgumentError(
        `Cannot open jobs: a name of 1 to 32 letters, digits, - and _ is wanted, ${describe(name)} was given`,
      );
    const checked = checkedJobsOptions(options);
    return new Jobs(context, name, checked, await JobStreams.open(context, name, checked));
  }

  /**
   * Adds a job. The body is read before this returns its promise's end, and stays the caller's.
   * @returns when a majority of NATS has stored it: its id
   * @throws ERR_IOLITE_CLUSTER when NATS did not: with outcome 'unknown' it may have all the same;
   *   ERR_IOLITE_LIMIT when the queue is full or the body too long; ERR_IOLITE_ACCESS when an ACL names
   *   users, processes or machines: any worker may be given it; ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE,
   *   ERR_IOLITE_CLOSED
   */
  async add({ head, body }: MessageToSend): Promise<{ readonly id: string }> {
    this.#check('add job');
    const facts = encodeHead(head);
    const id = `${Date.now().toString(36)}-${randomBytes(9).toString('hex')}`;
    const maxPayload = this.#context.connection.info?.max_payload ?? 2 * JOB_PIECE_BYTES;
    if (facts.length + JOB_OVERHEAD_BYTES > maxPayload)
      throw new IoliteError('ERR_IOLITE_LIMIT', `Cannot add job: NATS takes ${maxPayload} bytes at once`);
    using own = body === undefined ? undefined : Aggregate.empty().append(body);
    if (own !== undefined) this.#checkBody(own);
    const isInline = facts.length + (own?.length ?? 0) <= this.#maxInline;
    let pieces = 0;
    if (own !== undefined && !isInline) pieces = await this.#store(id, own);
    const inline = own !== undefined && isInline ? own.toBuffer() : Buffer.alloc(0);
    try {
      const content = { head, length: own?.length, pieces, inline };
      await this.#streams.store(this.#streams.subjectOf(id), encodeJob(content), id);
    } catch (error) {
      const isKept = (error as Partial<ClusterError>).outcome === 'unknown';
      if (pieces > 0 && !isKept) this.#streams.purgePieces(id).catch(ignore);
      throw error;
    }
    return { id };
  }

  /**
   * Takes jobs: the next one as soon as fewer than `concurrency` are here and not finished. NATS that is away
   * is waited for. To break off the loop ends it; jobs that were not seen go to others.
   * @example
   * ```ts
   * import type { Jobs } from 'iolite/cluster';
   *
   * export async function work(jobs: Jobs): Promise<void> {
   *   for await (const job of jobs.take({ concurrency: 1 })) {
   *     console.log(job.head, job.body?.length);
   *     await job.done();
   *   }
   * }
   * ```
   */
  take(options: TakeOptions = {}): AsyncIterableIterator<Job> {
    this.#check('take jobs');
    checkOptionNames(options, TAKE_NAMES, 'take jobs');
    const { concurrency = 1, signal } = options;
    checkInteger(concurrency, 'concurrency', 1, MAX_HELD_JOBS);
    checkSignal(signal, 'take jobs');
    const taker = new JobTaker(concurrency, signal, {
      consumer: () => this.#shared(),
      open: (message, itself) => this.#open(message, itself),
      lost: () => {
        this.#consumer = undefined;
      },
      complain: error => {
        if (!this.#closed) this.#context.options.complain(`Cannot take jobs ${this.name}: ${error.message}`);
      },
      closed: ended => this.#takers.delete(ended),
    });
    this.#takers.add(taker);
    return taker;
  }

  /** Jobs that failed, the oldest first, as they are now. */
  failed(): AsyncIterableIterator<FailedJob> {
    this.#check('list failed jobs');
    return failedJobs(this.#streams);
  }

  /** How many there are, as NATS says. @throws ERR_IOLITE_CLUSTER */
  async stats(): Promise<JobsStats> {
    const { jsm, queue, pieces, dead, consumer } = this.#streams;
    try {
      const [unfinished, bodies, failed, workers] = await Promise.all([
        jsm.streams.info(queue),
        jsm.streams.info(pieces),
        jsm.streams.info(dead),
        jsm.consumers.info(queue, consumer),
      ]);
      // What is in the queue is not done: more surely so than what NATS counts as not yet given out.
      const taken = Math.min(workers.num_ack_pending, unfinished.state.messages);
      return {
        waiting: unfinished.state.messages - taken,
        taken,
        failed: failed.state.messages,
        bytes: unfinished.state.bytes + bodies.state.bytes,
      };
    } catch (cause) {
      throw new ClusterError(`Cannot read of jobs ${this.name}: ${(cause as Error).message}`, { cause });
    }
  }

  /** Takes no more. Jobs that were given out may be finished yet; what NATS has stays. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#takers].map(taker => taker.end()));
  }

  /** For `await using`: see {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #check(operation: string): void {
    if (this.#closed) throw new IoliteError('ERR_IOLITE_CLOSED', `Cannot ${operation}: they are closed`);
  }

  #checkBody(body: Aggregate): void {
    const { maxBodyBytes } = this.#options;
    if (body.length > maxBodyBytes)
      throw new IoliteError(
        'ERR_IOLITE_LIMIT',
        `Cannot add job: a body of at most ${maxBodyBytes} bytes is wanted, one of ${body.length} was given`,
      );
    checkMayLeave(body, ANY_WORKER);
  }

  async #store(id: string, body: Aggregate): Promise<number> {
    try {
      return await this.#bodies.store(id, body);
    } catch (error) {
      this.#streams.purgePieces(id).catch(ignore);
      throw error;
    }
  }

  #shared(): Promise<Consumer> {
    const { js, queue, consumer } = this.#streams;
    this.#consumer ??= js.consumers.get(queue, consumer);
    return this.#consumer;
  }

  /** A job of a message, unless it was given out too often, or is none. */
  async #open(message: JsMsg, taker: JobTaker): Promise<Job | undefined> {
    const id = message.subject.slice(message.subject.lastIndexOf('.') + 1);
    const { deliveryCount } = message.info;
    const { maxDeliver, maxBodyBytes } = this.#options;
    let content: JobContent;
    try {
      content = decodeJob(message.data);
    } catch (error) {
      await this.#bury(message, id, NO_CONTENT, (error as Error).message);
      return undefined;
    }
    if (deliveryCount > maxDeliver) {
      const why = `it was given to a worker ${maxDeliver} times, and none has finished it`;
      await this.#bury(message, id, content, why);
      return undefined;
    }
    if ((content.length ?? 0) > maxBodyBytes) {
      await this.#bury(message, id, content, `its body of ${content.length} bytes is longer than any may be`);
      return undefined;
    }
    const body = await this.#body(message, id, content);
    if (body === null) return undefined;
    return new Job(
      message,
      { id, head: content.head, body },
      {
        workingMs: this.#options.ackWait * WORKING_PART,
        settle: (subject, verdict) => this.#streams.settle(subject, verdict),
        done: async () => {
          if (content.pieces > 0) this.#streams.purgePieces(id).catch(ignore);
        },
        failed: (_, reason) => this.#keepFailed(id, content, reason, deliveryCount),
        finished: () => taker.finished(),
      },
    );
  }

  /** @returns null when it is lost, and the job has failed */
  async #body(message: JsMsg, id: string, content: JobContent): Promise<Aggregate | undefined | null> {
    const timer = setInterval(() => message.working(), this.#options.ackWait * WORKING_PART).unref();
    try {
      return await this.#bodies.fetch(id, content);
    } catch (error) {
      if ((error as IoliteError).code !== 'ERR_IOLITE_INCOMPLETE') throw error;
      await this.#bury(message, id, content, (error as Error).message);
      return null;
    } finally {
      clearInterval(timer);
    }
  }

  /** Puts a job where failed ones are, and takes it out of the queue. */
  async #bury(message: JsMsg, id: string, content: JobContent, reason: string): Promise<void> {
    await this.#keepFailed(id, content, reason, message.info.deliveryCount);
    await this.#streams.settle(verdictSubject(message), '+TERM');
  }

  async #keepFailed(id: string, content: JobContent, reason: string, deliveries: number): Promise<void> {
    const failed = encodeJob({ ...content, reason: reason.slice(0, JOB_OVERHEAD_BYTES / 4), deliveries });
    await this.#streams.store(this.#streams.deadOf(id), failed, `${id}.failed.${deliveries}`);
    this.emit('failed', { id, reason });
  }
}

const NO_CONTENT: JobContent = {
  head: undefined as Json | undefined,
  length: undefined,
  pieces: 0,
  inline: Buffer.alloc(0),
};
