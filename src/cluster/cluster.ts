import { randomBytes } from 'node:crypto';
import { now } from '../base/clock.ts';
import { checkInteger, IoliteError } from '../base/error.ts';
import type { ProxyPeers } from '../http/proxy/cluster/proxy-peers.ts';
import { type InvalidateOptions, Invalidation } from '../http/proxy/invalidation.ts';
import { observe, type Sample } from '../observe/sources.ts';
import type { InvalidationLog, LogSelector } from '../store/log/invalidation-log.ts';
import { appliedEverywhere } from './applied-everywhere.ts';
import { attemptUntil } from './attempt-until.ts';
import type { ClusterContext } from './cluster-context.ts';
import { ClusterError } from './cluster-error.ts';
import type { ClusterConnection } from './connection.ts';
import type { JobsOptions } from './jobs/job-options.ts';
import { Jobs } from './jobs/jobs.ts';
import { ClusterLinks } from './link/cluster-links.ts';
import type { Link } from './link/link.ts';
import type { LinkEndpoint, LinkEndpointOptions } from './link/link-endpoint.ts';
import type { LinkOptions } from './link/link-options.ts';
import { ClusterLog } from './log/cluster-log.ts';
import type { MachineEntry } from './machines/machine-entry.ts';
import { MachineTable } from './machines/machine-table.ts';
import { Presence } from './machines/presence.ts';
import { ClusterPeers } from './pulls/cluster-peers.ts';
import { ClusterStats, samplesOf } from './stats/cluster-stats.ts';
import type { MachineStats } from './stats/machine-stats.ts';

/** A machine of a cluster, as another one sees it. */
export interface ClusterMachine {
  /** Its name among them. */
  readonly name: string;
  /** Another one each time that it joins. */
  readonly epoch: string;
  /** Where contents are got from it; undefined: nowhere. */
  readonly advertise: string | undefined;
  /** Up to where it has carried out the log. */
  readonly applied: number;
}

/**
 * A place in a cluster: machines that keep one cache among them. NATS tells and agrees. Close it to leave.
 */
export class Cluster implements AsyncDisposable {
  readonly #context: ClusterContext;
  readonly #connection: ClusterConnection;
  readonly #links: ClusterLinks;
  readonly #jobs = new Set<Jobs>();
  readonly #epoch = randomBytes(8).toString('hex');
  readonly #table = new MachineTable();
  readonly #log: ClusterLog;
  readonly #presence: Presence;
  readonly #peers: ClusterPeers;
  readonly #stats: ClusterStats;
  /** Links that were opened here, and live. */
  #opened = 0;
  #closing: Promise<void> | undefined;

  private constructor(context: ClusterContext, connection: ClusterConnection) {
    this.#context = context;
    this.#connection = connection;
    this.#links = new ClusterLinks(context);
    this.#log = new ClusterLog(context, {
      joined: machine => this.#table.joined(machine),
      applied: () => this.#tellApplied(),
    });
    this.#peers = new ClusterPeers(context, this.#log, this.#table, this.#epoch);
    this.#presence = new Presence(context, this.#log, this.#table, () => this.#entry);
    this.#stats = new ClusterStats(context, () => this.#ownStats);
    observe('cluster', this, Cluster.#samplesOf);
  }

  static #samplesOf(cluster: Cluster): readonly Sample[] | undefined {
    if (cluster.closed) return undefined;
    return samplesOf(cluster.name, cluster.machines().length, cluster.#ownStats);
  }

  /** Use joinCluster(). */
  static async join(context: ClusterContext, connection: ClusterConnection): Promise<Cluster> {
    const cluster = new Cluster(context, connection);
    try {
      const end = now() + context.options.timeout;
      await cluster.#peers.listen();
      await attemptUntil(end, () => cluster.#log.start());
      await cluster.#presence.join();
      cluster.#stats.listen();
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  /** The cluster's name. */
  get name(): string {
    return this.#context.options.name;
  }

  /** This machine's name in it. */
  get machine(): string {
    return this.#context.machine;
  }

  /** Whether it is closed, or being closed. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * Whether this machine hears the others, and they wait for it. Where it does not, nothing is used that was
   * not validated, or as `onPartition` says.
   */
  get connected(): boolean {
    return this.#log.trustedUntil > 0;
  }

  /** The log of invalidations, for what follows it: createProxy() and sharedCache() do. */
  get log(): InvalidationLog {
    return this.#log;
  }

  /** The other machines, for who gets contents from them: createProxy() does, with `collapse: 'cluster'`. */
  get peers(): ProxyPeers {
    return this.#peers;
  }

  /** The machines that live, this one among them, as far as it is known here: old by 15 seconds at most. */
  machines(): ClusterMachine[] {
    return this.#table.live().flatMap(({ name, entry }) => {
      if (entry === undefined) return [];
      const { epoch, advertise, applied } = entry;
      return [{ name, epoch, advertise, applied }];
    });
  }

  /**
   * Has all machines forget what is named, or ask for it again: as a proxy's invalidate(), in all
   * proxies that have this cluster.
   * @returns when a majority of NATS has it; {@link applied} tells when it is carried out
   * @throws ERR_IOLITE_CLUSTER when NATS has no majority or does not answer: then it may be done or not, and
   *   to repeat it is harmless; ERR_IOLITE_ARGUMENT, ERR_IOLITE_LIMIT, ERR_IOLITE_CLOSED
   */
  async invalidate(options: InvalidateOptions): Promise<{ sequence: number }> {
    new Invalidation(options);
    const { sequence } = await this.#log.tell('responses', options as LogSelector);
    return { sequence };
  }

  /**
   * Waits until all machines that live have carried out an invalidation: none of them answers then with what
   * the origin had sent before. One that says nothing is waited for until it is certain that it uses nothing
   * unasked, 15 seconds at most.
   * @throws the signal's reason; ERR_IOLITE_CLOSED, ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
   */
  async applied(sequence: number, { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    checkInteger(sequence, 'sequence', 0, Number.MAX_SAFE_INTEGER);
    if (this.closed) throw new IoliteError('ERR_IOLITE_CLOSED', 'Cannot use cluster: it is closed');
    const { machine } = this.#context;
    await appliedEverywhere(
      { log: this.#log, table: this.#table, presence: this.#presence, machine },
      sequence,
      signal,
    );
  }

  /**
   * Listens for links by a name in the cluster. Any number of machines may: with `queue` they share the links
   * that are opened.
   * @returns when NATS knows of it. Its channels are links: each a {@link Link}
   * @throws ERR_IOLITE_CLUSTER when NATS does not answer or the cluster is closed; ERR_IOLITE_ARGUMENT,
   *   ERR_IOLITE_RANGE
   */
  listen(name: string, options?: LinkEndpointOptions): Promise<LinkEndpoint> {
    return this.#links.listen(name, options);
  }

  /**
   * Opens a link to whoever listens by a name. It may be used at once: what is sent waits for the other side.
   * @returns a link that fails with ERR_IOLITE_PEER when nobody listens, ERR_IOLITE_TIMEOUT when nobody
   *   answers: see {@link Link.ready}
   * @throws ERR_IOLITE_CLUSTER when the cluster is closed; ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
   */
  connect(name: string, options?: LinkOptions): Link {
    const link = this.#links.connect(name, options);
    this.#opened += 1;
    link.once('close', () => {
      this.#opened -= 1;
    });
    return link;
  }

  /**
   * What each machine tells of itself: how far it is in the log, whether it hears the others, what it pulls.
   * @returns by their names, this one's at least: others that do not answer in 300 ms are missing
   * @throws ERR_IOLITE_CLOSED
   */
  async stats(): Promise<MachineStats[]> {
    if (this.closed) throw new IoliteError('ERR_IOLITE_CLOSED', 'Cannot use cluster: it is closed');
    return this.#stats.read(this.machines().map(({ epoch }) => epoch));
  }

  /**
   * Opens a queue of jobs that NATS keeps, and makes it if it is not there.
   * @throws ERR_IOLITE_CLUSTER when NATS does not answer, or has no JetStream; ERR_IOLITE_ARGUMENT (also when
   *   the queue is there with another `storage`), ERR_IOLITE_RANGE
   */
  async jobs(name: string, options?: JobsOptions): Promise<Jobs> {
    if (this.closed) throw new ClusterError('Cannot open jobs: the cluster is closed');
    const jobs = await Jobs.open(this.#context, name, options);
    this.#jobs.add(jobs);
    return jobs;
  }

  /** Leaves the cluster. A connection that was given stays open. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** For `await using`: see {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#jobs].map(jobs => jobs.close()));
    await this.#links.close();
    this.#stats.close();
    this.#log.close();
    await this.#presence.leave();
    await this.#peers.close();
    await this.#connection.close();
  }

  get #entry(): MachineEntry {
    const { advertised } = this.#peers;
    const entry = { epoch: this.#epoch, ...this.#position, weight: 1 };
    return advertised === undefined ? entry : { ...entry, advertise: advertised };
  }

  get #ownStats(): MachineStats {
    const { applied, known, losses } = this.#log;
    const [last, done] = [known.sequence, applied.sequence];
    return {
      ...{ name: this.machine, epoch: this.#epoch, connected: this.connected },
      ...{ applied: done, last, lag: Math.max(0, last - done), losses },
      pulls: this.#peers.counts,
      links: this.#opened,
    };
  }

  get #position(): { log: string; applied: number } {
    const { log, sequence } = this.#log.applied;
    return { log, applied: sequence };
  }

  #tellApplied(): void {
    const { connection, prefix, machine } = this.#context;
    if (connection.isClosed()) return;
    const told = { epoch: this.#epoch, ...this.#log.applied };
    connection.publish(`${prefix}.applied.${machine}`, JSON.stringify(told));
  }
}
