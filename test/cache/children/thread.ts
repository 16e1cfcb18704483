import { parentPort, workerData } from 'node:worker_threads';
import { sharedCache } from '../../../src/cache/shared-cache.ts';

/** A thread that shares a cache: tells what it finds, sets something, and leaves when it is told to. */
const cache = sharedCache(workerData.name, { govern: false });
const found = await cache.get('of the thread that began');
await cache.set('of the other thread', { bytes: 'x'.repeat(100_000) });
parentPort?.postMessage({ role: cache.role, found });
parentPort?.once('message', async () => {
  await cache.close();
  parentPort?.close();
});
