/** A child that reads through a cache attached to its parent's, and holds what it is told to. */
import { createInterface } from 'node:readline';
import { attachFileCache } from '../../../src/file/cache/attached-cache.ts';
import type { Snapshot } from '../../../src/file/cache/file-cache.ts';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';

const cache = await attachFileCache(parentChannel());
const held = new Map<string, Snapshot>();

// Asked through its standard input, so that it can answer when the channel's other end is closed.
for await (const line of createInterface({ input: process.stdin })) {
  const { ask, path } = JSON.parse(line) as { ask: string; path: string };
  process.stdout.write(`${JSON.stringify(await answer(ask, path))}\n`);
}
process.exit(0);

async function answer(ask: string, path: string): Promise<unknown> {
  try {
    if (ask === 'stats') return { ...cache.stats() };
    if (ask === 'held') return { text: held.get(path)?.content?.toString('latin1') };
    const snapshot = await cache.snapshot(path);
    if (ask === 'hold') held.set(path, snapshot);
    const { size, mtimeMs, etag, content } = snapshot;
    const facts = {
      size,
      mtimeMs,
      etag,
      text: content?.toString('latin1'),
      chunk: content?.slices()[0]?.id.chunk,
    };
    if (ask !== 'hold') snapshot.release();
    return facts;
  } catch (error) {
    return { code: (error as NodeJS.ErrnoException).code };
  }
}
