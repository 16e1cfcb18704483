/**
 * A process of bench/shared.bench.ts, which keeps values by the way that its first argument names: 'iolite',
 * 'lru', 'lmdb', 'redis', 'redis-tracking'; the second says where. Told what to do by messages.
 */
import { setImmediate } from 'node:timers/promises';
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

/** One way to keep values, each used as its users do: one wait for a value, if any, and then its bytes. */
interface Values {
  get(key: string): unknown;
  set(key: string, value: Buffer): unknown;
  /** Reads a value that was found, the first byte and the last, and lets go of it. @returns their sum */
  ends(value: unknown): number;
}

const LOOPS = 16;
/** After so many operations of a loop it is others' turn, in all ways alike. */
const TURN_OPERATIONS = 16;
const [, , way = '', place = '', budget = `${320 * MiB}`] = process.argv;

function ends(value: unknown): number {
  const bytes = value as Uint8Array;
  return (bytes[0] as number) + (bytes[bytes.length - 1] as number);
}

async function valuesOf(): Promise<Values> {
  if (way === 'iolite') {
    const cache = sharedCache(place, { budget: Number(budget), govern: false });
    await cache.ready();
    return {
      get: key => cache.get(key),
      set: (key, value) => cache.set(key, value),
      ends: value => {
        const aggregate = value as Aggregate;
        const sum = aggregate.at(0) + aggregate.at(aggregate.length - 1);
        aggregate.release();
        return sum;
      },
    };
  }
  if (way === 'lru') {
    const cache = new LRUCache<string, Buffer>({ max: 200_000 });
    return { get: key => cache.get(key), set: (key, value) => cache.set(key, Buffer.from(value)), ends };
  }
  if (way === 'lmdb') {
    const environment = open<Buffer, string>({
      path: place,
      encoding: 'binary',
      mapSize: 1024 * MiB,
      noSync: true,
    });
    return {
      get: key => environment.getBinaryFast(key),
      set: (key, value) => environment.put(key, value),
      ends,
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
  return { get: key => client.get(key), set: (key, value) => client.set(key, value), ends };
}

/** Numbers from 0 to 1, the same for the same seed. */
function random(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What reads add up to, so that none can be left out. */
let sum = 0;

/** @returns whether it was there */
async function read(values: Values, key: string): Promise<boolean> {
  const value = await values.get(key);
  if (value === undefined || value === null) return false;
  sum += values.ends(value);
  return true;
}

async function mix(values: Values, task: SharedTask): Promise<number> {
  const { keys, bytes, seconds = 1, writePart = 0, seed = 1 } = task;
  const value = Buffer.alloc(bytes, 1);
  const names = Array.from({ length: keys }, (_, index) => `key:${index}`);
  let operations = 0;
  const end = performance.now() + seconds * 1000;
  const loop = async (next: () => number): Promise<void> => {
    for (let turn = 0; turn % TURN_OPERATIONS !== 0 || performance.now() < end; turn++) {
      // As a server does, which comes to what it reads by events. Who owns the cache answers others then.
      if (turn % TURN_OPERATIONS === 0) await setImmediate();
      // Zipf's law, near enough: the logarithm of the place is even.
      const key = names[Math.floor(keys ** next()) - 1] as string;
      if (next() < writePart) await values.set(key, value);
      else {
        const found = await values.get(key);
        if (found === undefined || found === null) await values.set(key, value);
        else sum += values.ends(found);
      }
      operations += 1;
    }
  };
  await Promise.all(Array.from({ length: LOOPS }, (_, index) => loop(random(seed * 1000 + index))));
  if (Number.isNaN(sum)) throw new Error('Cannot compare: a value has no first or last byte');
  return operations;
}

async function perform(values: Values, task: SharedTask): Promise<number> {
  const { act, keys, bytes, first = 0, step = 1 } = task;
  if (act === 'mix') return mix(values, task);
  const value = Buffer.alloc(bytes, 1);
  let found = 0;
  for (let index = first; index < keys; index += step) {
    if (act === 'fill') await values.set(`key:${index}`, value);
    else if (await read(values, `key:${index}`)) found += 1;
    else await values.set(`key:${index}`, value);
  }
  return found;
}

const values = await valuesOf();
process.on('message', async (task: SharedTask) => {
  process.send?.(await perform(values, task));
});
process.send?.('ready');
