import { abortable } from '../../base/abortable.ts';
import { IoliteError } from '../../base/error.ts';
import type {
  InvalidationLog,
  LogFollower,
  LogPosition,
  LogSelector,
} from '../../store/log/invalidation-log.ts';
import type { ClusterContext } from '../cluster-context.ts';
import { ClusterError } from '../cluster-error.ts';
import { Followers } from './followers.ts';
import { InvalidationStream } from './invalidation-stream.ts';
import { LogGathering } from './log-gathering.ts';
import { encodeLogMessage, invalidationMessages, type LogMessage } from './log-message.ts';
import { type LogListener, LogReader } from './log-reader.ts';
import { LogWork } from './log-work.ts';
import { Trust } from './trust.ts';

/** What a log tells the machine that reads it. */
export interface LogEvents {
  /** Another machine has joined. */
  joined(machine: string): void;
  /** So much is carried out here. */
  applied(position: LogPosition): void;
}

/** The log of a cluster as one machine writes it, reads it and carries it out. */
export class ClusterLog implements InvalidationLog, LogListener {
  readonly trust: Trust;
  readonly #context: ClusterContext;
  readonly #events: LogEvents;
  readonly #stream: InvalidationStream;
  readonly #reader: LogReader;
  readonly #followers: Followers;
  readonly #work: LogWork;
  readonly #gathering = new LogGathering((topic, selector) => this.#store(topic, selector));
  readonly #former = new Set<string>();
  readonly #waiting = new Set<() => void>();
  #applied: LogPosition = { log: '', sequence: 0 };
  /** What is carried out here, or is about to be. */
  #known: LogPosition = { log: '', sequence: 0 };
  #isLost = false;
  #losses = 0;
  #closed = false;

  constructor(context: ClusterContext, events: LogEvents) {
    this.#context = context;
    this.#events = events;
    this.#stream = new InvalidationStream(context);
    this.#reader = new LogReader(context, this.#stream, this);
    this.#followers = new Followers(context.options.complain);
    this.trust = new Trust(context.options.maxLag, until => this.#followers.trust(until));
    this.#work = new LogWork(this.#followers, position => this.#reached(position));
  }

  get applied(): LogPosition {
    return this.#applied;
  }

  /** Up to where it was read, which may not be carried out yet. */
  get known(): LogPosition {
    return this.#known;
  }

  get trustedUntil(): number {
    return this.#closed ? 0 : this.trust.until;
  }

  /** Counts the times that the log was lost. */
  get losses(): number {
    return this.#losses;
  }

  /** Begins to read. @throws as NATS says */
  start(): Promise<void> {
    return this.#reader.start();
  }

  async tell(topic: string, selector: LogSelector): Promise<LogPosition> {
    this.#checkOpen();
    return this.#gathering.tell(topic, selector);
  }

  /**
   * Says in the log that this machine is here, and waits until all that was in it before is carried out:
   * then what is stored may be used, if it is still so.
   * @throws as tell(), the signal's reason
   */
  async restore(signal: AbortSignal): Promise<void> {
    const losses = this.#losses;
    if (this.#isLost || !this.trust.isWaitedFor) return;
    const joining = encodeLogMessage({ kind: 'join', machine: this.#context.machine });
    const position = await this.#publish(joining);
    const { log } = await this.#stream.state();
    if (log !== position.log) throw new ClusterError('Cannot restore trust: the log is another one');
    await this.appliedHere(position, signal);
    if (losses === this.#losses && !this.#isLost) this.trust.restore();
  }

  async appliedHere(position: LogPosition, signal?: AbortSignal): Promise<void> {
    while (!this.hasApplied(position)) {
      this.#checkOpen();
      let wake = (): void => {};
      const woken = new Promise<void>(resolve => {
        wake = resolve;
      });
      this.#waiting.add(wake);
      try {
        await abortable(woken, signal);
      } finally {
        this.#waiting.delete(wake);
      }
    }
  }

  /** Whether it is carried out here; also where nothing of that log is used any more. */
  hasApplied({ log, sequence }: LogPosition): boolean {
    if (this.#former.has(log)) return true;
    return this.#applied.log === log && this.#applied.sequence >= sequence;
  }

  follow(topic: string, follower: LogFollower): () => void {
    this.#checkOpen();
    const end = this.#followers.add(topic, follower);
    follower.trust(this.trustedUntil);
    return end;
  }

  close(): void {
    if (this.#closed) return;
    this.trust.end();
    this.#closed = true;
    this.#reader.close();
    this.#wake();
  }

  // What the reader tells

  began(position: LogPosition): void {
    void this.#work.restart(position);
    this.#known = position;
    this.#applied = position;
  }

  heard(): void {
    this.trust.heard();
  }

  read(sequence: number, message: LogMessage | undefined): Promise<void> | undefined {
    this.#known = { log: this.#known.log, sequence };
    if (message?.kind === 'join' && message.machine !== this.#context.machine)
      this.#events.joined(message.machine);
    return this.#work.add(sequence, message);
  }

  async lost(position: LogPosition): Promise<void> {
    this.#losses += 1;
    this.#isLost = true;
    this.trust.end();
    this.#known = position;
    await this.#work.restart(position);
    await this.#followers.distrust();
    const { log } = this.#applied;
    if (log !== position.log) this.#former.add(log);
    this.#isLost = false;
    this.#reached(position);
  }

  #reached(position: LogPosition): void {
    this.#applied = position;
    this.#wake();
    if (!this.#closed) this.#events.applied(position);
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  async #store(topic: string, selector: LogSelector): Promise<LogPosition> {
    const { maxPayload } = this.#limits;
    let position = this.#applied;
    for (const message of invalidationMessages(topic, selector, maxPayload))
      position = await this.#publish(message);
    return position;
  }

  async #publish(message: Uint8Array): Promise<LogPosition> {
    const { log } = this.#applied;
    return { log, sequence: await this.#stream.publish(message) };
  }

  get #limits(): { readonly maxPayload: number } {
    return { maxPayload: this.#context.connection.info?.max_payload ?? 2 ** 20 };
  }

  #checkOpen(): void {
    if (this.#closed) throw new IoliteError('ERR_IOLITE_CLOSED', 'Cannot use cluster: it is closed');
  }
}
