/**
 * Attaches a cache to whoever connects, reads what that one asks it to, and watches how long its event loop
 * stands still. Argument: where it listens.
 */
import { type AttachedFileCache, attachFileCache } from '../../../src/file/cache/attached-cache.ts';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';
import { listen } from '../../../src/ipc/meet/listen.ts';
import { Standstill } from '../../support/standstill.ts';

const [path = ''] = process.argv.slice(2);
const endpoint = await listen(path);
const codes: string[] = [];
endpoint.on('channel', channel => {
  let attaching: Promise<AttachedFileCache> | undefined;
  channel.on('close', error => codes.push((error as { code?: string } | undefined)?.code ?? 'closed'));
  channel.onRequest(async ({ head }) => {
    if (head === undefined) return { head: 'answer' };
    attaching ??= attachFileCache(channel);
    const cache = await attaching;
    const { keys, start = 0 } = head as { keys: string[]; start?: number };
    return { head: await Promise.all(keys.map(key => outcome(cache, key, start))) };
  });
});

/** The length of what is read, or the code that it fails with. */
async function outcome(cache: AttachedFileCache, key: string, start: number): Promise<number | string> {
  try {
    using snapshot = await cache.snapshot(key);
    using body = await snapshot.read(start);
    return body.length;
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).name;
  }
}

const standstill = new Standstill();
parentChannel().onRequest(() => ({ head: { longest: standstill.take(), codes: codes.splice(0) } }));
