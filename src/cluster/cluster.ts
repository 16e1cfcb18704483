import type { ClusterContext } from './cluster-context.ts';
import type { ClusterConnection } from './connection.ts';

/**
 * A place in a cluster: machines that keep one cache among them. NATS tells and agrees. Close it to leave.
 */
export class Cluster implements AsyncDisposable {
  readonly #context: ClusterContext;
  readonly #connection: ClusterConnection;
  #closing: Promise<void> | undefined;

  /** Use joinCluster(). */
  constructor(context: ClusterContext, connection: ClusterConnection) {
    this.#context = context;
    this.#connection = connection;
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
    await this.#connection.close();
  }
}
