import { setTimeout as delay } from 'node:timers/promises';
import { now } from '../../base/clock.ts';
import { ignore } from '../../base/ignore.ts';
import { attemptUntil } from '../attempt-until.ts';
import type { ClusterContext } from '../cluster-context.ts';
import { ClusterError } from '../cluster-error.ts';
import type { ClusterLog } from '../log/cluster-log.ts';
import { decodeEntry, type MachineEntry } from './machine-entry.ts';
import type { KnownMachine, MachineTable } from './machine-table.ts';
import { MachineWatch } from './machine-watch.ts';
import { Registration } from './registration.ts';

const RENEW_MS = 5000;
/** Between two looks at whether something is to be done. */
const LOOK_MS = 250;

/** That a machine is one of the cluster: it renews its entry, and restores trust where that was lost. */
export class Presence {
  readonly #context: ClusterContext;
  readonly #log: ClusterLog;
  readonly #table: MachineTable;
  readonly #registration: Registration;
  readonly #closing = new AbortController();
  #endDefence: () => void = () => {};
  #watch: MachineWatch | undefined;
  #renewedAt = 0;
  #complaint = '';

  /** @param entry what the machine says of itself now */
  constructor(context: ClusterContext, log: ClusterLog, table: MachineTable, entry: () => MachineEntry) {
    this.#context = context;
    this.#log = log;
    this.#table = table;
    this.#registration = new Registration(context, entry);
  }

  /** @returns when it is one of the cluster @throws ERR_IOLITE_CLUSTER */
  async join(): Promise<void> {
    const { timeout } = this.#context.options;
    const end = now() + timeout;
    this.#renewed(await attemptUntil(end, () => this.#registration.claim()));
    this.#endDefence = this.#registration.defend();
    this.#watch = new MachineWatch(this.#context, this.#registration, this.#table);
    let reason: unknown;
    while (this.#log.trustedUntil === 0) {
      if (now() >= end)
        throw new ClusterError(`Cannot join cluster: the log does not answer in ${timeout} ms`, {
          cause: reason,
          mayRetry: true,
        });
      await this.#restore().catch(error => {
        reason = error;
      });
      if (this.#log.trustedUntil === 0) await delay(LOOK_MS / 5);
    }
    // Who asks for the machines finds all that were there before; without them nothing is less right.
    await Promise.race([this.#watch.complete, delay(Math.max(0, end - now()), undefined, { ref: false })]);
    void this.#run();
  }

  /** Whether a silent machine is still there, by the servers' leader: it is taken out if it is not. */
  async confirm({ name }: KnownMachine): Promise<void> {
    const held = await this.#registration.look(name);
    const entry = held && decodeEntry(held.value);
    if (entry === undefined) this.#table.left(name);
    else this.#table.saw(name, entry);
  }

  /** Leaves at once, if NATS answers. */
  async leave(): Promise<void> {
    this.#closing.abort();
    this.#watch?.close();
    this.#endDefence();
    await this.#registration.leave().catch(ignore);
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      await delay(LOOK_MS, undefined, { ref: false });
      try {
        await this.#look();
        this.#complaint = '';
      } catch (error) {
        this.#complain(error as Error);
      }
    }
  }

  async #look(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const isCutOff = this.#log.trustedUntil === 0;
    if (isCutOff || now() - this.#renewedAt >= RENEW_MS) {
      this.#renewed(await this.#registration.renew());
      for (const machine of this.#table.behind({ log: '', sequence: 0 }))
        if (this.#table.isSilent(machine)) await this.confirm(machine);
    }
    if (isCutOff) await this.#restore();
  }

  async #restore(): Promise<void> {
    const late = AbortSignal.timeout(this.#context.options.timeout);
    await this.#log.restore(AbortSignal.any([late, this.#closing.signal]));
  }

  #renewed(sentAt: number): void {
    this.#renewedAt = sentAt;
    this.#log.trust.renewed(sentAt);
  }

  #complain({ message }: Error): void {
    if (this.#closing.signal.aborted || this.#complaint === message) return;
    this.#complaint = message;
    this.#context.options.complain(`Cannot keep the place in the cluster, and tries again: ${message}`);
  }
}
