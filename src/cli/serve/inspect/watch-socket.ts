import { createPool, type Pool } from '../../../aggregate/pool.ts';
import type { Endpoint } from '../../../ipc/meet/endpoint.ts';
import { listen } from '../../../ipc/meet/listen.ts';
import { ownFolder, ownName } from '../../../ipc/meet/own-folder.ts';
import type { InspectorReader } from './inspector-reader.ts';

/** What the names of these sockets begin with, before the process id. */
export const WATCH_PREFIX = 'serve-';
/** What is asked for there. */
export const WATCH_REQUEST = 'status';
const MAX_WATCHERS = 16;

/**
 * Where `iolite top` finds this server: a socket in the folder of this user, with our process id in its name.
 * Only processes of this user may connect, by what the kernel says of them. Answers with the status.
 * @param reader made when somebody asks first
 * @returns undefined where there is no such folder, or no socket can be made there: nothing depends on it
 */
export async function openWatchSocket(reader: () => Promise<InspectorReader>): Promise<Endpoint | undefined> {
  if (ownFolder() === undefined) return undefined;
  let pool: Pool | undefined;
  try {
    const endpoint = await listen(ownName(`${WATCH_PREFIX}${process.pid}`), { maxChannels: MAX_WATCHERS });
    endpoint.on('channel', channel => {
      channel.unref();
      channel.onRequest(async ({ head, body }) => {
        body?.release();
        const { type } = (head ?? {}) as { type?: unknown };
        if (type !== WATCH_REQUEST) return {};
        pool ??= createPool({ name: 'status' });
        // A head is small, and the status of thousands of chunks is not.
        return { body: pool.from(JSON.stringify(await (await reader()).status())) };
      });
    });
    endpoint.on('refused', () => {});
    return endpoint.unref();
  } catch {
    return undefined;
  }
}
