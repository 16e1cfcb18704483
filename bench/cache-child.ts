/**
 * A process of bench/cache.bench.ts, by its first argument: 'owner' of a cache for its parent; 'reader',
 * attached to its parent's; 'lru', with an lru-cache of its own; 'lmdb', with the environment that is its
 * second argument.
 */
import { readFile } from 'node:fs/promises';
import { open } from 'lmdb';
import { LRUCache } from 'lru-cache';
import { attachFileCache } from '../src/file/cache/attached-cache.ts';
import { createFileCache } from '../src/file/cache/owned-cache.ts';
import { parentChannel } from '../src/ipc/meet/fork.ts';

const [, , role, argument = ''] = process.argv;
const channel = parentChannel();
let sum = 0;

/** Looks at the first and the last byte of each of these, over and over. */
type Work = (keys: readonly string[], times: number) => Promise<void> | void;

async function work(): Promise<Work> {
  if (role === 'reader') {
    const cache = await attachFileCache(channel);
    return async (keys, times) => {
      for (let i = 0; i < times; i++) {
        const key = keys[i % keys.length] as string;
        const snapshot = cache.peek(key) ?? (await cache.snapshot(key));
        const { content } = snapshot;
        if (content !== undefined) sum += content.at(0) + content.at(content.length - 1);
        snapshot.release();
      }
    };
  }
  if (role === 'lru') {
    const cache = new LRUCache<string, Buffer>({ max: 100_000, fetchMethod: key => readFile(key) });
    return async (keys, times) => {
      for (let i = 0; i < times; i++) {
        const bytes = (await cache.fetch(keys[i % keys.length] as string)) as Buffer;
        sum += (bytes[0] as number) + (bytes[bytes.length - 1] as number);
      }
    };
  }
  const database = open<Buffer, string>({ path: argument, encoding: 'binary', readOnly: true });
  return (keys, times) => {
    for (let i = 0; i < times; i++) {
      const bytes = database.getBinary(keys[i % keys.length] as string) as Buffer;
      sum += (bytes[0] as number) + (bytes[bytes.length - 1] as number);
    }
  };
}

if (role === 'owner') {
  createFileCache({ budget: 512 * 1024 ** 2, maxStale: 60_000 }).serve(channel);
} else {
  const run = await work();
  channel.onRequest(async ({ head }) => {
    const { keys, times } = head as { keys: string[]; times: number };
    await run(keys, times);
    // No work: the memory is about to be measured.
    if (times === 0) globalThis.gc?.();
    return { head: sum };
  });
}
