/**
 * Owns a cache that it serves to whoever connects, and watches how long its event loop stands still.
 * Arguments: where it listens, and the folder that it serves.
 */
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';
import { listen } from '../../../src/ipc/meet/listen.ts';
import { Standstill } from '../../support/standstill.ts';

const [path = '', root = ''] = process.argv.slice(2);
const cache = createFileCache({ budget: 64 * 1024 ** 2 });
const endpoint = await listen(path);
const codes: string[] = [];
endpoint.on('channel', channel => {
  channel.on('close', error => codes.push((error as { code?: string } | undefined)?.code ?? 'closed'));
  cache.serve(channel, { root, otherwise: () => ({ head: 'answer' }) });
});
const standstill = new Standstill();
parentChannel().onRequest(() => ({ head: { longest: standstill.take(), codes: codes.splice(0) } }));
