/**
 * A machine of bench/cluster.bench.ts: `iolite` in a cluster before an origin, or what a Node.js user would
 * build with something shared and an lru-cache before it: Redis, or the object store of NATS. Told what to do
 * by messages, each of which is answered.
 */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jetstream } from '@nats-io/jetstream';
import { Objm } from '@nats-io/obj';
import { connect } from '@nats-io/transport-node';
import { LRUCache } from 'lru-cache';
import { createClient } from 'redis';
import { joinCluster } from '../src/cluster/join-cluster.ts';
import { createProxy } from '../src/http/proxy/proxy.ts';
import { createServer } from '../src/http/server/server.ts';
import { MiB } from './harness.ts';

/** How a machine has what the others have. */
export type ClusterWay = 'iolite' | 'redis' | 'objects';

/** What to do; answered with a number. */
export type ClusterTask =
  /** 1 if this machine owns a path, else 0. */
  | { readonly act: 'owns'; readonly path: string }
  /** Has the machines forget a path. Milliseconds until all have. */
  | { readonly act: 'purge'; readonly path: string }
  /** Has the machines forget what is of each of so many tags, t0, t1 and so on, one after the other. */
  | { readonly act: 'purge tags'; readonly count: number };

const [, , way = '', place = '', machine = '', advertise = '', origin = ''] = process.argv;
const BUDGET_BYTES = 512 * MiB;
/** Between machines without a cluster: 'a path' is to be forgotten; 'b path': machine b has done so. */
const PURGED = 'purged';
const DONE = 'done';
/** Purges of tags that are under way at a time. */
const CONCURRENT_PURGES = 64;

interface Machine {
  readonly port: number;
  owns(path: string): boolean;
  purge(path: string): Promise<unknown>;
  purgeTags?(tags: readonly string[]): Promise<unknown>;
}

/** What several machines share besides a cache of their own. */
interface Shared {
  get(path: string): Promise<Buffer | null>;
  set(path: string, body: Buffer, tag: string | null): Promise<unknown>;
  delete(path: string): Promise<unknown>;
  pathsOf?(tag: string): Promise<string[]>;
  deleteAll?(paths: readonly string[], tag: string): Promise<unknown>;
  publish(subject: string, text: string): unknown;
  subscribe(subject: string, heard: (text: string) => void): Promise<unknown>;
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
    purgeTags: async tags => {
      let last = 0;
      await eachOf(tags, async tag => {
        const { sequence } = await cluster.invalidate({ groups: [tag] });
        last = Math.max(last, sequence);
      });
      await cluster.applied(last);
    },
  };
}

async function redis(): Promise<Shared> {
  const options = {
    RESP: 3,
    url: place,
    commandOptions: { typeMapping: { 36: Buffer } },
  };
  const client = createClient(options as never);
  const texts = createClient({ url: place });
  const listener = createClient({ url: place });
  await Promise.all([client.connect(), texts.connect(), listener.connect()]);
  return {
    get: async path => (await client.get(path)) as unknown as Buffer | null,
    // In one packet, as commands that are sent in one turn are.
    set: (path, body, tag) =>
      Promise.all([client.set(path, body), ...(tag === null ? [] : [client.sAdd(`tag:${tag}`, path)])]),
    delete: path => texts.del(path),
    pathsOf: tag => texts.sMembers(`tag:${tag}`),
    deleteAll: (paths, tag) => texts.unlink([...paths, `tag:${tag}`]),
    publish: (subject, text) => texts.publish(subject, text),
    subscribe: (subject, heard) => listener.subscribe(subject, heard),
  };
}

async function objects(): Promise<Shared> {
  const connection = await connect({ servers: place });
  // Pieces of large bodies wait for the disk.
  const store = await new Objm(jetstream(connection, { timeout: 60_000 })).create('bench');
  return {
    get: async path => {
      const bytes = await store.getBlob(path);
      return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    set: (path, body) => store.putBlob({ name: path }, body),
    delete: path => store.delete(path),
    publish: (subject, text) => connection.publish(subject, text),
    subscribe: async (subject, heard) => {
      if (subject !== PURGED) {
        connection.subscribe(subject, { callback: (_error, message) => heard(message.string()) });
        return;
      }
      // What is purged it tells itself.
      const changes = await store.watch({ includeHistory: false });
      void (async () => {
        for await (const change of changes) if (change?.deleted === true) heard(change.name);
      })();
    },
  };
}

/** A server with an lru-cache before what all share. */
async function serve(shared: Shared): Promise<Machine> {
  const cache = new LRUCache<string, Buffer>({
    maxSize: BUDGET_BYTES,
    sizeCalculation: ({ length }) => length + 1,
  });
  const waiting = new Map<string, () => void>();
  await shared.subscribe(PURGED, text => {
    // Several paths are a list.
    const paths = text.startsWith('[') ? (JSON.parse(text) as string[]) : [text];
    for (const path of paths) cache.delete(path);
    shared.publish(DONE, `${machine} ${paths[0]}`);
  });
  await shared.subscribe(DONE, said => waiting.get(said)?.());
  const server = createHttpServer(async ({ url = '' }, response) => {
    let body = cache.get(url);
    if (body === undefined) {
      const stored = await shared.get(url);
      body = stored ?? (await fetchInto(shared, url));
      cache.set(url, body);
    }
    response.setHeader('Content-Length', body.length).end(body);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  /** Until the other machine has heard it. */
  const told = async (path: string, tell: () => unknown): Promise<void> => {
    const done = new Promise<void>(resolve => waiting.set(`b ${path}`, resolve));
    await tell();
    await done;
    waiting.delete(`b ${path}`);
  };
  const { pathsOf, deleteAll } = shared;
  return {
    port: (server.address() as AddressInfo).port,
    owns: () => machine === 'a',
    purge: path =>
      told(path, async () => {
        await shared.delete(path);
        if (way === 'redis') await shared.publish(PURGED, path);
      }),
    ...(pathsOf &&
      deleteAll && {
        purgeTags: tags =>
          eachOf(tags, async tag => {
            const paths = await pathsOf(tag);
            const [first] = paths;
            if (first === undefined) throw new Error(`There is nothing of ${tag}`);
            await told(first, () =>
              Promise.all([deleteAll(paths, tag), shared.publish(PURGED, JSON.stringify(paths))]),
            );
          }),
      }),
  };
}

async function fetchInto(shared: Shared, path: string): Promise<Buffer> {
  const response = await fetch(origin + path);
  const body = Buffer.from(await response.arrayBuffer());
  await shared.set(path, body, response.headers.get('Cache-Groups')?.replaceAll('"', '') ?? null);
  return body;
}

/** Some at a time. */
async function eachOf(tags: readonly string[], work: (tag: string) => Promise<unknown>): Promise<void> {
  const left = [...tags].reverse();
  await Promise.all(
    Array.from({ length: CONCURRENT_PURGES }, async () => {
      for (let tag = left.pop(); tag !== undefined; tag = left.pop()) await work(tag);
    }),
  );
}

const made = await (way === 'iolite' ? iolite() : serve(await (way === 'redis' ? redis() : objects())));
process.on('message', async (task: ClusterTask) => {
  if (task.act === 'owns') return process.send?.(Number(made.owns(task.path)));
  const start = performance.now();
  if (task.act === 'purge') await made.purge(task.path);
  else await made.purgeTags?.(Array.from({ length: task.count }, (_, index) => `t${index}`));
  return process.send?.(performance.now() - start);
});
process.send?.(made.port);
