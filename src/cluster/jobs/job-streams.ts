import type { JetStreamClient, JetStreamManager, PubAck, StreamConfig, StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { ArgumentError, IoliteError } from '../../base/error.ts';
import type { ClusterContext } from '../cluster-context.ts';
import { ClusterError } from '../cluster-error.ts';
import type { CheckedJobsOptions } from './job-options.ts';

const ATTEMPT_MS = 2000;
const PAUSE_MS = 100;
const NS_PER_MS = 1_000_000;
const CONSUMER = 'workers';
/** Jobs that all workers together may have at a time. */
const MAX_TAKEN_JOBS = 100_000;
/** NATS: there is one by that name, of other settings. */
const OTHER_SETTINGS = 0x274a;
const OTHER_CONSUMER = 0x27a4;

/** The streams of one queue of jobs, and the names of what is in them. */
export class JobStreams {
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  /** Jobs that wait, or that a worker has. */
  readonly queue: string;
  /** Pieces of bodies. */
  readonly pieces: string;
  /** Jobs that failed. */
  readonly dead: string;
  readonly consumer = CONSUMER;
  readonly #subjects: string;
  readonly #name: string;
  readonly #timeout: number;
  readonly #connection: NatsConnection;

  private constructor(context: ClusterContext, jsm: JetStreamManager, name: string) {
    const { name: cluster, timeout } = context.options;
    this.js = context.nats.jetstream.jetstream(context.connection, { timeout: ATTEMPT_MS });
    this.jsm = jsm;
    this.#connection = context.connection;
    this.queue = `IOLITE_${cluster}_JOB_${name}`;
    this.pieces = `IOLITE_${cluster}_JOBBODY_${name}`;
    this.dead = `IOLITE_${cluster}_JOBDEAD_${name}`;
    this.#subjects = `${context.prefix}.job`;
    this.#name = name;
    this.#timeout = timeout;
  }

  /** Makes them where they are not. @throws ERR_IOLITE_CLUSTER, ERR_IOLITE_ARGUMENT */
  static async open(context: ClusterContext, name: string, options: CheckedJobsOptions): Promise<JobStreams> {
    const { storage, maxBytes, ackWait } = options;
    const { nats, connection } = context;
    try {
      const jsm = await nats.jetstream.jetstreamManager(connection, { timeout: ATTEMPT_MS });
      const streams = new JobStreams(context, jsm, name);
      const common = {
        storage: storage as StreamConfig['storage'],
        max_bytes: maxBytes,
        num_replicas: context.options.replicas,
        discard: 'new' as StreamConfig['discard'],
        allow_direct: true,
      };
      const retention = 'workqueue' as StreamConfig['retention'];
      await streams.#stream(streams.queue, [streams.subjectOf('*')], { ...common, retention });
      await streams.#stream(streams.pieces, [streams.pieceOf('*', '*')], common);
      await streams.#stream(streams.dead, [streams.deadOf('*')], { ...common, max_msgs_per_subject: 1 });
      await streams.#consumer(ackWait);
      return streams;
    } catch (cause) {
      if (cause instanceof IoliteError) throw cause;
      throw new ClusterError(`Cannot open jobs ${name}: ${(cause as Error).message}`, { cause });
    }
  }

  /** Where a job lies that waits. */
  subjectOf(id: string): string {
    return `${this.#subjects}.wait.${this.#name}.${id}`;
  }

  /** Where a piece of its body does. */
  pieceOf(id: string, piece: number | string): string {
    return `${this.#subjects}.body.${this.#name}.${id}.${piece}`;
  }

  /** Where it does when it has failed. */
  deadOf(id: string): string {
    return `${this.#subjects}.dead.${this.#name}.${id}`;
  }

  /**
   * Stores a message, once, however often it is tried. @param key of its own, which NATS
   *   knows for two minutes
   * @throws ERR_IOLITE_LIMIT when there is no room for it; ERR_IOLITE_CLUSTER
   */
  async store(subject: string, bytes: Uint8Array, key: string): Promise<PubAck> {
    return this.#persist('store job', async () => {
      try {
        return await this.js.publish(subject, bytes, { msgID: key, timeout: ATTEMPT_MS });
      } catch (error) {
        throw /maximum (bytes|messages)/.test((error as Error).message)
          ? fullError(this.#name, error)
          : error;
      }
    });
  }

  /**
   * Tells NATS what becomes of a job, and waits until it has noted that. @param subject the job's own
   * @throws ERR_IOLITE_CLUSTER
   */
  async settle(subject: string, verdict: string): Promise<void> {
    await this.#persist('settle job', () =>
      this.#connection.request(subject, verdict, { timeout: ATTEMPT_MS }),
    );
  }

  /** Deletes the pieces of a job's body. */
  async purgePieces(id: string): Promise<void> {
    await this.jsm.streams.purge(this.pieces, { filter: this.pieceOf(id, '*') });
  }

  /** Tries until it succeeds, or time is up: NATS may be away for a while. */
  async #persist<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    const until = performance.now() + this.#timeout;
    for (let isUnknown = false; ; ) {
      try {
        return await attempt();
      } catch (cause) {
        if (cause instanceof IoliteError) throw cause;
        const { message, name } = cause as Error;
        isUnknown ||= name === 'TimeoutError';
        if (performance.now() >= until || this.#connection.isClosed()) {
          const outcome = isUnknown ? 'unknown' : 'none';
          throw new ClusterError(`Cannot ${what}: ${message}`, { cause, outcome, mayRetry: !isUnknown });
        }
      }
      await new Promise(resolve => setTimeout(resolve, PAUSE_MS));
    }
  }

  async #stream(name: string, subjects: string[], config: Partial<StreamConfig>): Promise<StreamInfo> {
    try {
      return await this.jsm.streams.add({ ...config, name, subjects });
    } catch (error) {
      if ((error as { code?: unknown }).code !== OTHER_SETTINGS) throw error;
    }
    const { config: current } = await this.jsm.streams.info(name);
    const isOurs = JSON.stringify(current.subjects) === JSON.stringify(subjects);
    if (!isOurs || current.storage !== config.storage)
      throw new ArgumentError(`Cannot open jobs: ${name} is there already, with another storage or subject`);
    return this.jsm.streams.update(name, { ...config, subjects });
  }

  async #consumer(ackWait: number): Promise<void> {
    const config = {
      durable_name: this.consumer,
      ack_policy: 'explicit' as const,
      ack_wait: ackWait * NS_PER_MS,
      max_deliver: -1,
      max_ack_pending: MAX_TAKEN_JOBS,
    };
    try {
      await this.jsm.consumers.add(this.queue, config as Parameters<typeof this.jsm.consumers.add>[1]);
    } catch (error) {
      if ((error as { code?: unknown }).code !== OTHER_CONSUMER) throw error;
      await this.jsm.consumers.update(this.queue, this.consumer, { ack_wait: config.ack_wait });
    }
  }
}

function fullError(name: string, cause: unknown): IoliteError {
  return new IoliteError('ERR_IOLITE_LIMIT', `Cannot add job: ${name} has as many bytes as it may`, {
    cause,
    mayRetry: true,
  });
}
