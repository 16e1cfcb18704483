import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { joinCluster } from '../../src/cluster/join-cluster.ts';
import { freePort, NatsServer, withNats } from '../cluster/support/nats-server.ts';
import { type Network, Partition } from '../cluster/support/partition.ts';
import { sameSite } from '../cluster/support/same-site.ts';
import { HOST } from '../cluster/support/shop.ts';
import { Harness } from '../http/proxy/support/harness.ts';
import { watchdog } from '../support/watchdog.ts';

const SCHEDULES = Number(process.env.CLUSTER_SCHEDULES ?? 4);
const MACHINES = 2;
const PATHS = ['/0', '/1', '/2'];
/** The least there is: a machine that hears nothing is cut off after it. */
const MAX_LAG_MS = 2500;

/** What happens, one after the other. */
type Step =
  | { readonly act: 'network'; readonly machine: number; readonly network: Network }
  | { readonly act: 'write'; readonly path: number; readonly mode: 'stale' | 'drop' }
  | { readonly act: 'read' }
  | { readonly act: 'wait'; readonly ms: number };

const machine = fc.nat(MACHINES - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constant('network' as const),
      machine,
      network: fc.constantFrom<Network>('open', 'cut', 'still', 'deaf', 'mute'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant('write' as const),
      path: fc.nat(PATHS.length - 1),
      mode: fc.constantFrom('stale' as const, 'drop' as const),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ act: 'read' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constant('wait' as const),
      ms: fc.integer({ min: 50, max: 3 * MAX_LAG_MS }),
    }),
  },
);

/** Machines whose networks fail, one that says what has changed, and an origin that has versions of paths. */
class World implements AsyncDisposable {
  /** Undoes what was made, the last first. */
  readonly #undo: (() => Promise<unknown>)[] = [];
  readonly #versions = PATHS.map(() => 0);
  /** Versions that are applied: nobody may answer with an older one. */
  readonly #least = PATHS.map(() => 0);
  readonly #networks: Partition[] = [];
  readonly #proxies: Harness[] = [];
  /** What each machine has answered last. */
  readonly #seen: number[][] = [];
  readonly #applying: Promise<void>[] = [];
  #tell: (path: number, mode: 'stale' | 'drop') => Promise<() => Promise<void>> = async () => async () => {};

  static async open(nats: NatsServer): Promise<World> {
    const world = new World();
    const name = randomBytes(8).toString('hex');
    const common = { name, maxLag: MAX_LAG_MS, secret: '0123456789abcdef', complain: () => {} };
    const teller = await joinCluster({ ...common, servers: nats.url, machine: 'teller' });
    world.#undo.push(() => teller.close());
    world.#tell = async (path, mode) => {
      const { sequence } = await teller.invalidate({ urls: [PATHS[path] as string], mode });
      return () => teller.applied(sequence);
    };
    for (let index = 0; index < MACHINES; index++) {
      const network = await Partition.before(nats.port);
      world.#undo.push(() => network[Symbol.asyncDispose]());
      const advertise = `http://127.0.0.1:${await freePort()}`;
      const cluster = await joinCluster({ ...common, servers: network.url, machine: `m${index}`, advertise });
      world.#undo.push(async () => {
        network.network = 'open';
        await cluster.close();
      });
      const harness = await Harness.start(
        ({ url }, response) => {
          const version = world.#versions[PATHS.indexOf(url as string)];
          response.setHeader('Cache-Control', 'max-age=3600').setHeader('ETag', `"${version}"`);
          response.end(String(version));
        },
        { cluster: sameSite(cluster), collapse: 'cluster', warm: 0 },
      );
      world.#undo.push(() => harness[Symbol.asyncDispose]());
      world.#networks.push(network);
      world.#proxies.push(harness);
      world.#seen.push(PATHS.map(() => 0));
    }
    return world;
  }

  async do(each: Step): Promise<void> {
    if (each.act === 'wait') await setTimeout(each.ms);
    if (each.act === 'read') await this.read();
    if (each.act === 'network') (this.#networks[each.machine] as Partition).network = each.network;
    if (each.act === 'write') await this.#write(each.path, each.mode);
  }

  /** Reads all paths at all machines: nothing is older than what is applied, or than what was read there. */
  async read(): Promise<void> {
    await Promise.all(
      this.#proxies.map(async (proxy, index) => {
        for (const [path, target] of PATHS.entries()) {
          const least = this.#least[path] as number;
          const seen = this.#seen[index] as number[];
          const got = Number((await proxy.get(target, HOST)).text);
          assert.ok(got >= least, `machine ${index} answers ${target} with ${got}: ${least} is applied`);
          assert.ok(got >= (seen[path] as number), `machine ${index} goes back to ${got} of ${seen[path]}`);
          seen[path] = got;
        }
      }),
    );
  }

  /** All networks are whole again, and all machines answer with what there is now. */
  async heal(): Promise<void> {
    for (const network of this.#networks) network.network = 'open';
    await watchdog(Promise.all(this.#applying), 'all to be applied', 60_000);
    assert.deepEqual(this.#least, this.#versions);
    await this.read();
  }

  async #write(path: number, mode: 'stale' | 'drop'): Promise<void> {
    const version = (this.#versions[path] as number) + 1;
    this.#versions[path] = version;
    const applied = await this.#tell(path, mode);
    this.#applying.push(
      applied().then(() => {
        this.#least[path] = Math.max(this.#least[path] as number, version);
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const undo of this.#undo.reverse()) await undo();
  }
}

test('whatever becomes of networks, nothing older than what is applied is answered', withNats, async () => {
  await using nats = await NatsServer.start();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 16 }), async steps => {
      await using world = await World.open(nats);
      await world.read();
      for (const each of steps) await world.do(each);
      await world.heal();
    }),
    // To find a shorter one takes as long again for each that is tried.
    { numRuns: SCHEDULES, endOnFailure: true },
  );
});
