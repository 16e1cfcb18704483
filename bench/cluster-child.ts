/**
 * A machine of bench/cluster.bench.ts: `iolite` in a cluster before an origin, or what a Node.js user would
 * build with Redis and an lru-cache before it. Told what to do by messages, each of which is answered.
 */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LRUCache } from 'lru-cache';
import { createClient } from 'redis';
import { joinCluster } from '../src/cluster/join-cluster.ts';
import { createProxy } from '../src/http/proxy/proxy.ts';
import { createServer } from '../src/http/server/server.ts';
import { MiB } from './harness.ts';

/** What to do; answered with a number. */
export type ClusterTask =
  /** 1 if this machine owns a path, else 0. */
  | { readonly act: 'owns'; readonly path: string }
  /** Has the machines forget a path. Milliseconds until all have. */
  | { readonly act: 'purge'; readonly path: string };

const [, , way = '', place = '', machine = '', advertise = '', origin = ''] = process.argv;
const BUDGET_BYTES = 512 * MiB;
const CHANNEL = 'purged';

interface Machine {
  readonly port: number;
  owns(path: string): boolean;
  purge(path: string): Promise<unknown>;
}

async function iolite(): Promise<Machine> {
  const secret = 'a secret of some length';
  const cluster = await joinCluster({ name: 'bench', servers: place, machine, advertise, secret });
  const host = 'shop.example';
  const proxy = createProxy({
    origin,
    cluster,
    collapse: 'cluster',
    budget: BUDGET_BYTES,
    govern: false,
    host,
  });
  const server = createServer({ handler: proxy });
  await server.listen(0, '127.0.0.1');
  return {
    port: server.address()?.port as number,
    owns: path => cluster.peers.ownerOf(`http://${host}${path}`) === undefined,
    purge: async path => cluster.applied((await cluster.invalidate({ urls: [path] })).sequence),
  };
}

async function redis(): Promise<Machine> {
  const options = {
    RESP: 3,
    url: place,
    commandOptions: { typeMapping: { 36: Buffer } },
  };
  const client = createClient(options as never);
  const listener = createClient({ url: place });
  await Promise.all([client.connect(), listener.connect()]);
  const cache = new LRUCache<string, Buffer>({
    maxSize: BUDGET_BYTES,
    sizeCalculation: ({ length }) => length + 1,
  });
  const waiting = new Map<string, () => void>();
  await listener.subscribe(CHANNEL, async path => {
    cache.delete(path);
    await client.publish(`${CHANNEL}:done`, `${machine} ${path}`);
  });
  await listener.subscribe(`${CHANNEL}:done`, said => waiting.get(said)?.());
  const server = createHttpServer(async ({ url = '' }, response) => {
    let body = cache.get(url);
    if (body === undefined) {
      const stored = (await client.get(url)) as unknown as Buffer | null;
      body = stored ?? Buffer.from(await (await fetch(origin + url)).arrayBuffer());
      if (stored === null) await client.set(url, body);
      cache.set(url, body);
    }
    response.setHeader('Content-Length', body.length).end(body);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    owns: () => machine === 'a',
    purge: async path => {
      const done = new Promise<void>(resolve => waiting.set(`b ${path}`, resolve));
      await client.del(path);
      await client.publish(CHANNEL, path);
      await done;
      waiting.delete(`b ${path}`);
    },
  };
}

const made = await (way === 'iolite' ? iolite() : redis());
process.on('message', async (task: ClusterTask) => {
  if (task.act === 'owns') return process.send?.(Number(made.owns(task.path)));
  const start = performance.now();
  await made.purge(task.path);
  return process.send?.(performance.now() - start);
});
process.send?.(made.port);
