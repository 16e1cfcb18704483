/** Owns a file cache, and serves it to whoever connects to the endpoint that is its argument. */
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';
import { listen } from '../../../src/ipc/meet/listen.ts';

const [, , path = ''] = process.argv;
const cache = createFileCache({ budget: 4 * 1024 ** 2, maxStale: 20 });
const endpoint = await listen(path);
endpoint.on('channel', channel => cache.serve(channel));
parentChannel().onRequest(() => ({ head: { ...cache.stats() } }));
