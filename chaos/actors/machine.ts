/**
 * One of the machines of a cluster: a proxy in front of an origin of its own, which answers with the version
 * that is to come. Keys are divided among the machines: each invalidates its own, and raises a key's floor
 * when that is carried out everywhere. Arguments: the plan of the stage, its name, its number, how many there
 * are, and which of its lives it is.
 */
import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { joinCluster } from '../../src/cluster/join-cluster.ts';
import { handle, serverRequest } from '../../src/http/node/node-adapter.ts';
import { createProxy } from '../../src/http/proxy/proxy.ts';
import { Draw, seedOf } from '../draw.ts';
import { Floors } from '../floors.ts';
import type { Cue } from '../lines.ts';
import { CLUSTER_KEYS, clusterPlace, floorsOf, nextClusterPlace, type StagePlan } from '../stage.ts';
import { ActorLine } from './actor-line.ts';
import { isExpected } from './expected.ts';

const [planText = '', name = '', number = '', count = '', life = ''] = process.argv.slice(2);
const plan = JSON.parse(planText) as StagePlan;
const draw = new Draw(seedOf(plan.seed, `${name} ${life}`));
const floors = new Floors(floorsOf(plan));
const line = new ActorLine(name, obey);
const MEAN_READ_MS = 20;
const MEAN_CHANGE_MS = 200;
const JOINING_MS = 500;
/** Longer than one that died is waited for. */
const APPLIED_MS = 40_000;
const BUDGET_BYTES = 4 * 1024 ** 2;
const OK = 0xc8;
const own = Array.from({ length: CLUSTER_KEYS }, (_, key) => key).filter(
  key => key % Number(count) === Number(number),
);
let isPlaying = true;
let busy = 0;

const origin = createServer(({ url = '' }, response) => {
  response.setHeader('Cache-Control', 'max-age=3600');
  response.end(`${floors.of(nextClusterPlace(Number(url.slice(1))))}`);
});
await once(origin.listen(0, '127.0.0.1'), 'listening');
const cluster = await join();
const proxy = createProxy({ origin: urlOf(origin), budget: BUDGET_BYTES, govern: false, cluster });
const front = createServer((request, response) => void handle(proxy, serverRequest(request), response));
await once(front.listen(0, '127.0.0.1'), 'listening');

function urlOf(server: typeof origin): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** NATS may be just about to come back. */
async function join(): Promise<Cluster> {
  for (;;) {
    try {
      return await joinCluster({
        name: `chaos-${plan.run}`,
        servers: `nats://127.0.0.1:${plan.ports?.nats}`,
        machine: `${name}-${life}`,
        complain: () => line.tally.add('requests:cluster complaint'),
      });
    } catch (error) {
      if (!isExpected(error)) line.trouble(error);
      await setTimeout(JOINING_MS);
    }
  }
}

/** What a machine answers is as new as what was invalidated when it was asked. */
async function read(key: number): Promise<void> {
  const floor = floors.of(clusterPlace(key));
  const [answer] = (await once(get(`${urlOf(front)}/${key}`), 'response')) as [IncomingMessage];
  const text = (await answer.setEncoding('latin1').toArray()).join('');
  if (answer.statusCode !== OK) throw new Error(`The proxy answers ${answer.statusCode}`);
  if (!/^\d+$/.test(text)) return line.wrong(`cluster key ${key}: '${text}'`);
  if (Number(text) < floor) line.wrong(`cluster key ${key}: version ${text}, ${floor} is the oldest`);
  line.tally.add('requests:cluster read');
}

/** Changes a key of its own, everywhere. */
async function change(): Promise<void> {
  const key = draw.pick(own);
  const version = floors.of(nextClusterPlace(key)) + 1;
  floors.raise(nextClusterPlace(key), version);
  const { sequence } = await cluster.invalidate({ urls: [`/${key}`] });
  await cluster.applied(sequence, { signal: AbortSignal.timeout(APPLIED_MS) });
  floors.raise(clusterPlace(key), version);
  line.tally.add('requests:cluster invalidation');
}

async function play(act: () => Promise<void>, pause: number): Promise<void> {
  for (;;) {
    await setTimeout(Math.min(2000, draw.wait(pause)));
    if (!isPlaying) continue;
    busy += 1;
    try {
      await act();
    } catch (error) {
      if (isExpected(error)) line.tally.add('lost');
      else line.trouble(error);
    } finally {
      busy -= 1;
    }
  }
}

async function obey({ say }: Cue): Promise<unknown> {
  switch (say) {
    case 'quiet':
      isPlaying = false;
      return { busy };
    case 'probe': {
      const probes = await Promise.allSettled([change(), read(own[0] as number)]);
      return {
        missing: [],
        failures: probes.flatMap(each => (each.status === 'rejected' ? [`${each.reason}`] : [])),
      };
    }
    case 'rest':
      front.closeAllConnections();
      front.close();
      await proxy.close();
      await cluster.close();
      origin.closeAllConnections();
      origin.close();
      return;
    case 'look':
      return { name };
    default:
      return undefined;
  }
}

line.up();
void play(() => read(draw.integer(0, CLUSTER_KEYS - 1)), MEAN_READ_MS);
void play(() => read(draw.integer(0, CLUSTER_KEYS - 1)), MEAN_READ_MS);
void play(change, MEAN_CHANGE_MS);
