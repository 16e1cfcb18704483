/**
 * A process of bench/shared.bench.ts, which keeps values by the way that its first argument names: 'iolite',
 * 'lru', 'lmdb', 'redis', 'redis-tracking'; the second says where. Told what to do by messages.
 */
import { open } from 'lmdb';
import { LRUCache } from 'lru-cache';
import { createClient } from 'redis';
import type { Aggregate } from '../src/aggregate/aggregate.ts';
import { sharedCache } from '../src/cache/shared-cache.ts';
import { MiB } from './harness.ts';

/** What to do: `fill` sets each key from `first` on, `read` gets each, `mix` gets and sets for a time. */
export interface SharedTask {
  readonly act: 'fill' | 'read' | 'mix';
  readonly keys: number;
  readonly bytes: number;
  readonly first?: number;
  readonly step?: number;
  readonly seconds?: number;
  /** Of the operations, how many are sets. */
  readonly writePart?: number;
  readonly seed?: number;
}

interface Values {
  /** @returns a sum of its first and last byte; undefined: it is not there */
  get(key: string): number | undefined | Promise<number | undefined>;
  set(key: string, value: Buffer): unknown;
}

const LOOPS = 16;
const [, , way = '', place = '', budget = `${320 * MiB}`] = process.argv;

const ends = (bytes: Uint8Array): number => (bytes[0] as number) + (bytes[bytes.length - 1] as number);

async function valuesOf(): Promise<Values> {
  if (way === 'iolite') {
    const cache = sharedCache(place, { budget: Number(budget), govern: false });
    await cache.ready();
    return {
      get: async key => {
        const value = (await cache.get(key)) as Aggregate | undefined;
        if (value === undefined) return undefined;
        const sum = value.at(0) + value.at(value.length - 1);
        value.release();
        return sum;
      },
      set: (key, value) => cache.set(key, value),
    };
  }
  if (way === 'lru') {
    const cache = new LRUCache<string, Buffer>({ max: 200_000 });
    return {
      get: key => {
        const value = cache.get(key);
        return value === undefined ? undefined : ends(value);
      },
      set: (key, value) => cache.set(key, Buffer.from(value)),
    };
  }
  if (way === 'lmdb') {
    const environment = open<Buffer, string>({
      path: place,
      encoding: 'binary',
      mapSize: 1024 * MiB,
      noSync: true,
    });
    return {
      get: key => {
        const value = environment.getBinaryFast(key);
        return value === undefined ? undefined : ends(value);
      },
      set: (key, value) => environment.put(key, value),
    };
  }
  const isTracking = way === 'redis-tracking';
  const client = createClient({
    RESP: 3,
    socket: { path: place, tls: false },
    ...(isTracking ? { clientSideCache: { ttl: 0, maxEntries: 200_000, evictPolicy: 'LRU' as const } } : {}),
    commandOptions: { typeMapping: { 36: Buffer } },
  });
  await client.connect();
  return {
    get: async key => {
      const value = (await client.get(key)) as unknown as Buffer | null;
      return value === null ? undefined : ends(value);
    },
    set: (key, value) => client.set(key, value),
  };
}

/** Numbers from 0 to 1, the same for the same seed. */
function random(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function mix(values: Values, task: SharedTask): Promise<number> {
  const { keys, bytes, seconds = 1, writePart = 0, seed = 1 } = task;
  const value = Buffer.alloc(bytes, 1);
  const names = Array.from({ length: keys }, (_, index) => `key:${index}`);
  let operations = 0;
  const end = performance.now() + seconds * 1000;
  const loop = async (next: () => number): Promise<void> => {
    for (let turn = 0; turn % 64 !== 0 || performance.now() < end; turn++) {
      // Zipf's law, near enough: the logarithm of the place is even.
      const key = names[Math.floor(keys ** next()) - 1] as string;
      if (next() < writePart) await values.set(key, value);
      else if ((await values.get(key)) === undefined) await values.set(key, value);
      operations += 1;
    }
  };
  await Promise.all(Array.from({ length: LOOPS }, (_, index) => loop(random(seed * 1000 + index))));
  return operations;
}

async function perform(values: Values, task: SharedTask): Promise<number> {
  const { act, keys, bytes, first = 0, step = 1 } = task;
  if (act === 'mix') return mix(values, task);
  const value = Buffer.alloc(bytes, 1);
  let found = 0;
  for (let index = first; index < keys; index += step) {
    if (act === 'fill') await values.set(`key:${index}`, value);
    else if ((await values.get(`key:${index}`)) !== undefined) found += 1;
    else await values.set(`key:${index}`, value);
  }
  return found;
}

const values = await valuesOf();
process.on('message', async (task: SharedTask) => {
  process.send?.(await perform(values, task));
});
process.send?.('ready');
