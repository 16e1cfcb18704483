import { randomBytes } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type { Cluster } from '../../../src/cluster/cluster.ts';
import type { ClusterOptions } from '../../../src/cluster/cluster-options.ts';
import { joinCluster } from '../../../src/cluster/join-cluster.ts';
import type { ProxyOptions } from '../../../src/http/proxy/proxy-options.ts';
import { type Got, Harness, type Respond } from '../../http/proxy/support/harness.ts';
import { watchdog } from '../../support/watchdog.ts';
import { freePort } from './nats-server.ts';
import { sameSite } from './same-site.ts';

/** What clients of all machines name the site. */
export const HOST = { Host: 'shop.example' };

/** One machine: its place in a cluster, and a proxy of the origin that all have. */
export class Machine implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly harness: Harness;

  constructor(cluster: Cluster, harness: Harness) {
    this.cluster = cluster;
    this.harness = harness;
  }

  get(path: string, headers: OutgoingHttpHeaders = {}): Promise<Got> {
    return this.harness.get(path, { ...HOST, ...headers });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.harness[Symbol.asyncDispose]();
    await this.cluster.close();
  }
}

/** Machines that get contents from each other, before what is one origin to them. */
export class Shop implements AsyncDisposable {
  readonly name = randomBytes(8).toString('hex');
  readonly machines: Machine[] = [];
  /** What the origin was asked, by whomever. */
  readonly asked: string[] = [];
  readonly #servers: string;
  readonly #respond: Respond;

  private constructor(servers: string, respond: Respond) {
    this.#servers = servers;
    this.#respond = respond;
  }

  /** @param servers where NATS is */
  static async open(servers: string, count: number, respond: Respond): Promise<Shop> {
    const shop = new Shop(servers, respond);
    for (let index = 0; index < count; index++) await shop.join();
    return shop;
  }

  /** Another machine, which all others know when it is there. */
  async join(options: Partial<ProxyOptions> = {}, others: Partial<ClusterOptions> = {}): Promise<Machine> {
    const cluster = await joinCluster({
      ...{ name: this.name, servers: this.#servers, machine: `m${this.machines.length}` },
      ...{ advertise: `http://127.0.0.1:${await freePort()}`, secret: '0123456789abcdef' },
      ...{ complain: () => {}, ...others },
    });
    const harness = await Harness.start(
      (request, response) => {
        this.asked.push(request.url as string);
        return this.#respond(request, response);
      },
      { cluster: sameSite(cluster), collapse: 'cluster', ...options },
    );
    const machine = new Machine(cluster, harness);
    this.machines.push(machine);
    await watchdog(this.#known(), 'all to know of all');
    return machine;
  }

  /** The number of the machine that owns a path. */
  ownerOf(path: string): number {
    const [first] = this.machines;
    const owner = first?.cluster.peers.ownerOf(`http://shop.example${path}`)?.name ?? 'm0';
    return this.machines.findIndex(({ cluster }) => cluster.machine === owner);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const machine of this.machines) await machine[Symbol.asyncDispose]();
  }

  async #known(): Promise<void> {
    for (const { cluster } of this.machines)
      while (cluster.machines().length < this.machines.length) await setImmediate();
  }
}
