/**
 * A child that looks at all memory it was ever given. It keeps a descriptor of each chunk that it can get
 * hold of, without a lease, and so goes on reading what is put there later. Does what it is asked over its
 * channel.
 */
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { type AttachedFileCache, attachFileCache } from '../../../src/file/cache/attached-cache.ts';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';
import type { Message } from '../../../src/ipc/message.ts';

const chunks = new Map<number, number>();
const held: Aggregate[] = [];
const channel = parentChannel();
let cache: AttachedFileCache | undefined;

function keepChunks(): void {
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      if (!readlinkSync(`/proc/self/fd/${name}`).startsWith('/memfd:iolite:')) continue;
      const fd = openSync(`/proc/self/fd/${name}`, 'r');
      const { ino } = fstatSync(fd);
      if (chunks.has(ino)) closeSync(fd);
      else chunks.set(ino, fd);
    } catch {
      // It was the descriptor of the directory.
    }
  }
}

/** Every `<<name>>` that can be read in one of the chunks. */
function secrets(): string[] {
  const found = new Set<string>();
  for (const fd of chunks.values()) {
    const bytes = readFileSync(`/proc/self/fd/${fd}`, 'latin1');
    for (const [, name] of bytes.matchAll(/<<([\w/ -]{1,40})>>/g)) found.add(name as string);
  }
  return [...found].sort();
}

async function read(path: string): Promise<string> {
  cache ??= await attachFileCache(channel);
  using snapshot = await cache.snapshot(path);
  using content = await snapshot.read(0, snapshot.size);
  keepChunks();
  return content.toString('latin1', 0, 40);
}

channel.onRequest(async ({ head, body }: Message) => {
  const { ask, path } = head as { ask: string; path: string };
  if (body !== undefined) held.push(body);
  keepChunks();
  switch (ask) {
    case 'see':
      return { head: secrets() };
    case 'inodes':
      return { head: [...chunks.keys()] };
    case 'read':
      return { head: await read(path).catch(error => error.code as string) };
    case 'release':
      for (const each of held.splice(0)) each.release();
      return {};
    default:
      return { head: held.map(each => each.toString('latin1', 0, 40)) };
  }
});
