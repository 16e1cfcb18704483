import type { Cluster } from '../../../src/cluster/cluster.ts';
import { joinCluster } from '../../../src/cluster/join-cluster.ts';
import type { Link } from '../../../src/cluster/link/link.ts';
import type { LinkEndpointOptions } from '../../../src/cluster/link/link-endpoint.ts';
import type { LinkOptions } from '../../../src/cluster/link/link-options.ts';
import { watchdog } from '../../support/watchdog.ts';
import { NatsServer } from './nats-server.ts';

/** A server of NATS, and machines that joined a cluster there, all in this process. */
export class Machines implements AsyncDisposable {
  readonly server: NatsServer;
  readonly clusters: readonly Cluster[];

  private constructor(server: NatsServer, clusters: readonly Cluster[]) {
    this.server = server;
    this.clusters = clusters;
  }

  /** @param secrets of the machines, in their order, where they have any */
  static async start(
    names = ['a', 'b'],
    others: readonly string[] = [],
    secrets: readonly (string | undefined)[] = [],
  ): Promise<Machines> {
    const server = await NatsServer.start(undefined, others);
    const join = (machine: string, nth: number): Promise<Cluster> =>
      joinCluster({ name: 'shop', servers: server.url, machine, secret: secrets[nth] });
    return new Machines(server, await Promise.all(names.map(join)));
  }

  get first(): Cluster {
    return this.clusters[0] as Cluster;
  }

  get second(): Cluster {
    return this.clusters[1] as Cluster;
  }

  /** A link from the first to the second: both its ends, greeted. */
  async link(
    name: string,
    options: LinkOptions = {},
    accepted: LinkEndpointOptions = {},
  ): Promise<{ near: Link; far: Link }> {
    const endpoint = await this.second.listen(name, accepted);
    const near = this.first.connect(name, options);
    const far = new Promise<Link>(resolve => endpoint.once('channel', resolve));
    await watchdog(near.ready(), 'the greeting of a link');
    return { near, far: await watchdog(far, 'a link') };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cluster of this.clusters) await cluster.close();
    await this.server[Symbol.asyncDispose]();
  }
}
