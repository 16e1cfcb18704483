import { setTimeout as delay } from 'node:timers/promises';
import type { ConsumerMessages } from '@nats-io/jetstream';
import { now } from '../../base/clock.ts';
import { ignore } from '../../base/ignore.ts';
import type { LogPosition } from '../../store/log/invalidation-log.ts';
import type { ClusterContext } from '../cluster-context.ts';
import type { InvalidationStream } from './invalidation-stream.ts';
import { decodeLogMessage, type LogMessage } from './log-message.ts';

/** With the default of half a minute a reader is behind for as long after NATS was started anew. */
const HEARTBEAT_MS = 1000;
const EXPIRES_MS = 2000;
/** Without a heartbeat for so long, the reader is made anew. */
const SILENCE_MS = 2500;
const PAUSE_MS = 200;
/** Messages that may wait to be carried out. */
const MAX_MESSAGES = 256;

/** What a reader tells. */
export interface LogListener {
  /** Where the log goes on that is read: at first, and when another one has taken its place. */
  began(position: LogPosition): void;
  /** Something was heard: up to here nothing is missing. */
  heard(): void;
  /**
   * The next message. @param message undefined for one that nobody here understands
   * @returns a promise if no more is to come until it is resolved
   */
  read(sequence: number, message: LogMessage | undefined): Promise<void> | undefined;
  /**
   * What was not read yet is not to be had any more: the log was lost, or cut off at its beginning.
   * @param position where it goes on
   */
  lost(position: LogPosition): Promise<void>;
}

/**
 * Reads the log in order and without gaps, from where it was when it began. What reads in the server is in
 * its memory only, and made anew each time that nothing was heard of it.
 */
export class LogReader {
  readonly #context: ClusterContext;
  readonly #stream: InvalidationStream;
  readonly #listener: LogListener;
  #position: LogPosition | undefined;
  #messages: ConsumerMessages | undefined;
  #closed = false;
  #heardAt = 0;
  #complained = false;

  constructor(context: ClusterContext, stream: InvalidationStream, listener: LogListener) {
    this.#context = context;
    this.#stream = stream;
    this.#listener = listener;
  }

  /** Begins, when it is known where. @throws as NATS says */
  async start(): Promise<void> {
    await this.#findPosition();
    void this.#run();
  }

  close(): void {
    this.#closed = true;
    this.#messages?.stop();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#findPosition();
        await this.#readOn();
        this.#complained = false;
      } catch (error) {
        this.#complain(error as Error);
        await delay(PAUSE_MS);
      }
    }
  }

  /** Where to go on, and whether that is where it was left. */
  async #findPosition(): Promise<void> {
    const { log, first, last } = await this.#stream.state();
    const before = this.#position;
    if (before === undefined) {
      this.#position = { log, sequence: last };
      this.#listener.began(this.#position);
      return;
    }
    const isSame = before.log === log && last >= before.sequence;
    if (isSame && first <= before.sequence + 1) return;
    await this.#lose({ log, sequence: last });
  }

  async #lose(position: LogPosition): Promise<void> {
    this.#context.options.complain(
      'The log of the cluster was lost: what is stored is asked for again before it is used',
    );
    this.#position = position;
    await this.#listener.lost(position);
  }

  async #readOn(): Promise<void> {
    const { DeliverPolicy } = this.#context.nats.jetstream;
    const consumer = await this.#stream.js.consumers.get(this.#stream.name, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#next,
    });
    const messages = await consumer.consume({
      expires: EXPIRES_MS,
      idle_heartbeat: HEARTBEAT_MS,
      max_messages: MAX_MESSAGES,
    });
    this.#messages = messages;
    this.#heardAt = now();
    const silence = setInterval(() => {
      if (now() - this.#heardAt > SILENCE_MS) messages.stop();
    }, SILENCE_MS / 5).unref();
    try {
      if (this.#closed) messages.stop();
      void this.#listen(messages);
      for await (const { seq, data } of messages) await this.#took(seq, data);
    } finally {
      clearInterval(silence);
      messages.stop();
      void consumer.delete().catch(ignore);
    }
  }

  async #took(sequence: number, data: Uint8Array): Promise<void> {
    const { log } = this.#position as LogPosition;
    if (sequence < this.#next) return;
    if (sequence > this.#next) await this.#lose({ log, sequence: sequence - 1 });
    this.#position = { log, sequence };
    this.#hear();
    const waits = this.#listener.read(sequence, decodeLogMessage(data));
    if (waits !== undefined) await waits;
  }

  /** To what the server says besides messages. */
  async #listen(messages: ConsumerMessages): Promise<void> {
    let before = 0;
    for await (const notice of messages.status()) {
      if (notice.type !== 'heartbeat') continue;
      if (notice.lastStreamSequence < this.#next) this.#hear();
      // It has gone past what never came here: that was deleted.
      else if (before === this.#next) messages.stop();
      before = this.#next;
    }
  }

  get #next(): number {
    return (this.#position as LogPosition).sequence + 1;
  }

  #hear(): void {
    this.#heardAt = now();
    this.#listener.heard();
  }

  #complain({ message }: Error): void {
    if (this.#closed || this.#complained) return;
    this.#complained = true;
    this.#context.options.complain(`Cannot read the log of the cluster, and tries again: ${message}`);
  }
}
