import { createInterface } from 'node:readline';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { type SharedCache, sharedCache } from '../../../src/cache/shared-cache.ts';

/**
 * A process that shares a cache, and does with it what it is told by lines of JSON: `[method, ...arguments]`.
 * Bytes are told as `{ bytes: text }`.
 */
const [name = '', options = '{}'] = process.argv.slice(2);
const cache: SharedCache = sharedCache(name, JSON.parse(options));

const told = (value: unknown): unknown => {
  if (!Aggregate.isAggregate(value)) return value ?? null;
  const bytes = value.toString('latin1');
  value.release();
  return { bytes };
};

interface Making {
  readonly ms?: number;
  readonly times?: number;
  readonly fails?: boolean;
  readonly hangs?: boolean;
  readonly ttl?: number;
}

const numbered = (number: number): string => `${number} `.repeat(1 + ((number * 977) % 3000));

let makings = 0;
const acts = {
  ready: () => cache.ready(),
  role: () => cache.role,
  stats: () => cache.stats(),
  totals: () => cache.totals(),
  keys: (prefix: string) => cache.keys(prefix),
  peek: (key: string) => told(cache.peek(key)),
  get: async (key: string) => told(await cache.get(key)),
  set: (key: string, value: { bytes?: string }, options?: object) =>
    cache.set(
      key,
      typeof value?.bytes === 'string' ? Buffer.from(value.bytes, 'latin1') : (value as never),
      options ?? {},
    ),
  delete: (key: string) => cache.delete(key),
  invalidate: (selector: object) => cache.invalidate(selector),
  /** Makes a value in some milliseconds; several at a time. */
  make: async (key: string, value: string, how: Making = {}) => {
    const { ms = 0, times = 1, fails = false, hangs = false, ...options } = how;
    const make = async () => {
      makings += 1;
      if (hangs) process.stdout.write('"making"\n');
      if (hangs) await new Promise(() => {});
      await setTimeout(ms);
      if (fails) throw new RangeError(value);
      return value;
    };
    const all = Array.from({ length: times }, () => cache.getOrSet(key, make, options));
    const made = await Promise.allSettled(all);
    return made.map(each =>
      each.status === 'fulfilled' ? each.value : `${each.reason.code ?? each.reason.name}`,
    );
  },
  makings: () => makings,
  /** Sets a key so many times, each time to its number, in a length of its own; and others. */
  count: async (key: string, times: number) => {
    for (let number = 1; number <= times; number++) {
      await cache.set(key, Buffer.from(numbered(number)));
      await cache.set(`other:${number % 500}`, Buffer.alloc(20_000, number));
    }
  },
  /** Reads a key until it is at a number. @returns how often; and what was not as it should be */
  follow: async (key: string, last: number) => {
    let [reads, number, wrong] = [0, 0, ''];
    while (number < last && wrong === '') {
      const value = (await cache.get(key)) as Aggregate | undefined;
      reads += 1;
      if (reads % 64 === 0) await setImmediate();
      if (value === undefined) continue;
      const text = value.toString('latin1');
      value.release();
      const read = Number(text.slice(0, text.indexOf(' ')));
      if (text !== numbered(read) || read < number) wrong = `${number}, then ${text.slice(0, 100)}`;
      number = read;
    }
    return { reads, wrong };
  },
  close: () => cache.close(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const [act, ...given] = JSON.parse(line);
  Promise.resolve()
    .then(() => (acts as unknown as Record<string, (...all: unknown[]) => unknown>)[act]?.(...given))
    .then(
      value => ({ value: value ?? null }),
      error => ({ error: error.code ?? String(error) }),
    )
    .then(answer => process.stdout.write(`${JSON.stringify(answer)}\n`));
}
await cache.close();
