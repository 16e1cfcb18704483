import type { ClusterContext } from './cluster-context.ts';
import { ClusterError } from './cluster-error.ts';
import type { ClusterConnection } from './connection.ts';
import type { JobsOptions } from './jobs/job-options.ts';
import { Jobs } from './jobs/jobs.ts';
import type { Link } from './link/link.ts';
import type { LinkEndpoint, LinkEndpointOptions } from './link/link-endpoint.ts';
import type { LinkOptions } from './link/link-options.ts';
import { Links } from './link/links.ts';

/**
 * A place in a cluster: machines that keep one cache among them. NATS tells and agrees. Close it to leave.
 */
export class Cluster implements AsyncDisposable {
  readonly #context: ClusterContext;
  readonly #connection: ClusterConnection;
  readonly #links: Links;
  readonly #jobs = new Set<Jobs>();
  #closing: Promise<void> | undefined;

  /** Use joinCluster(). */
  constructor(context: ClusterContext, connection: ClusterConnection) {
    this.#context = context;
    this.#connection = connection;
    this.#links = new Links(context);
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
    return this.#links.connect(name, options);
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
    await this.#connection.close();
  }
}
