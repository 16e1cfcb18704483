import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { now } from '../../base/clock.ts';
import { ignore } from '../../base/ignore.ts';
import type { ClusterContext } from '../cluster-context.ts';
import { ClusterError } from '../cluster-error.ts';

/** Of one question to NATS, which is asked again. */
const ATTEMPT_MS = 2500;
const PAUSE_MS = 200;
/** How long, and how many bytes of it, the log is kept: who was away for longer starts anew. */
const LOG_LIFE_MS = 24 * 3600 * 1000;
const LOG_BYTES = 64 * 1024 ** 2;
const NANOSECONDS_A_MS = 1e6;

/** What the log is just now. */
export interface LogState {
  /** As of {@link LogPosition}. */
  readonly log: string;
  /** The first sequence that is there, or would be. */
  readonly first: number;
  /** The last one; one less than the first if there is none. */
  readonly last: number;
}

/** The log of invalidations, which NATS keeps: a stream, by a majority of its replicas. */
export class InvalidationStream {
  readonly name: string;
  readonly js: JetStreamClient;
  readonly #manager: () => Promise<JetStreamManager>;
  readonly #context: ClusterContext;
  readonly #subject: string;

  constructor(context: ClusterContext) {
    const { nats, connection, options, prefix } = context;
    this.#context = context;
    this.name = `IOLITE_${options.name}_INV`;
    this.#subject = `${prefix}.inv`;
    this.js = nats.jetstream.jetstream(connection, { timeout: ATTEMPT_MS });
    this.#manager = () =>
      nats.jetstream.jetstreamManager(connection, { timeout: ATTEMPT_MS, checkAPI: false });
  }

  /** How it is; it is made if it is not there. @throws as NATS says */
  async state(): Promise<LogState> {
    const { streams } = await this.#manager();
    const { JetStreamApiError, JetStreamApiCodes } = this.#context.nats.jetstream;
    const info = await streams.info(this.name).catch(error => {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
        return this.#create();
      throw error;
    });
    const { first_seq, last_seq } = info.state;
    return { log: info.created, first: Math.max(first_seq, 1), last: last_seq };
  }

  /**
   * Stores a message, and asks again until that is certain: it is stored once, however often it is sent.
   * @returns its sequence, when a majority has it
   * @throws ERR_IOLITE_CLUSTER after the cluster's `timeout`, with an unknown outcome
   */
  async publish(message: Uint8Array): Promise<number> {
    const { timeout } = this.#context.options;
    const end = now() + timeout;
    const msgID = randomUUID();
    for (;;) {
      try {
        const left = Math.max(1, Math.min(ATTEMPT_MS, end - now()));
        const { seq } = await this.js.publish(this.#subject, message, { msgID, timeout: left });
        return seq;
      } catch (cause) {
        if (now() + PAUSE_MS >= end || this.#context.connection.isClosed())
          throw unstored(timeout, cause as Error);
      }
      await delay(PAUSE_MS);
      await this.state().catch(ignore);
    }
  }

  async #create() {
    const { StorageType, DiscardPolicy, RetentionPolicy } = this.#context.nats.jetstream;
    const { streams } = await this.#manager();
    const config = {
      name: this.name,
      subjects: [this.#subject],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      num_replicas: this.#context.options.replicas,
      max_age: LOG_LIFE_MS * NANOSECONDS_A_MS,
      max_bytes: LOG_BYTES,
    };
    return streams.add(config).catch(error => {
      // Another machine was first.
      return streams.info(this.name).catch(() => {
        throw error;
      });
    });
  }
}

function unstored(timeout: number, cause: Error): ClusterError {
  const message = `Cannot write the log of the cluster: NATS has not stored it in ${timeout} ms`;
  return new ClusterError(`${message}: ${cause.message}`, { cause, outcome: 'unknown' });
}
