import type { Subscription } from '@nats-io/transport-node';
import type { Sample } from '../../observe/sources.ts';
import { askMachines } from '../ask-machines.ts';
import type { ClusterContext } from '../cluster-context.ts';
import { decodeStats, encodeStats, type MachineStats } from './machine-stats.ts';

const SUBJECT = 'stats';

/** What all machines of a cluster tell of themselves: one question to all. */
export class ClusterStats {
  readonly #context: ClusterContext;
  readonly #own: () => MachineStats;
  #subscription: Subscription | undefined;

  /** @param own what this machine tells */
  constructor(context: ClusterContext, own: () => MachineStats) {
    this.#context = context;
    this.#own = own;
  }

  /** Answers others from here on. */
  listen(): void {
    const { connection, prefix } = this.#context;
    this.#subscription = connection.subscribe(`${prefix}.${SUBJECT}`, {
      callback: (error, message) => {
        if (error === null) message.respond(encodeStats(this.#own()));
      },
    });
  }

  close(): void {
    if (!this.#context.connection.isClosed()) this.#subscription?.unsubscribe();
  }

  /**
   * Of this machine, and of those that are expected and answer.
   * @param expected their epochs
   */
  async read(expected: readonly string[]): Promise<MachineStats[]> {
    const own = this.#own();
    const told = new Map([[own.epoch, own]]);
    const isWhole = (): boolean => expected.every(epoch => told.has(epoch));
    const take = (answer: Uint8Array): boolean => {
      const stats = decodeStats(answer);
      if (stats !== undefined && expected.includes(stats.epoch) && stats.epoch !== own.epoch)
        told.set(stats.epoch, stats);
      return isWhole();
    };
    if (!isWhole() && !this.#context.connection.isClosed())
      await askMachines(this.#context, { subject: SUBJECT, said: {}, take });
    const all = [...told.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
    const last = Math.max(...all.map(each => each.last));
    return all.map(each => ({ ...each, lag: Math.max(0, last - each.applied) }));
  }
}

/** As metrics have it. */
export function samplesOf(cluster: string, machines: number, stats: MachineStats): readonly Sample[] {
  const { pulls, connected, applied, last, lag, losses, links } = stats;
  const figures = { machines, connected: Number(connected), applied, last, lag, losses, links, ...pulls };
  return [{ labels: { cluster }, figures }];
}
