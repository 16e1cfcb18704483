/**
 * What an application process runs. Arguments: the application's module, how to say what is wrong, and
 * the directory of the site whose files it may ask for, if there is one.
 * Listens for servers under a name of its own, which it tells its parent; ends when it is told to, and when
 * the parent does.
 */

import { basename } from 'node:path';
import { createPool } from '../../../aggregate/pool.ts';
import { complaintLine } from '../../../base/complaint.ts';
import { ignore } from '../../../base/ignore.ts';
import { parentChannel } from '../../../ipc/meet/fork.ts';
import { listen } from '../../../ipc/meet/listen.ts';
import { ownName } from '../../../ipc/meet/own-folder.ts';
import { asksForReadings, tellReadings } from '../../../observe/readings-request.ts';
import type { AppRequest } from './app-request.ts';
import { AppSession } from './app-session.ts';
import { loadApp } from './load-app.ts';
import { SiteCache } from './site-cache.ts';

/** For requests to be answered in, also when there is no parent any more to enforce it. */
const DRAIN_LIMIT_MS = 10_000;

const [module = '', complaints, root] = process.argv.slice(2);
const parent = parentChannel();
const sessions = new Set<AppSession>();
let close = async (): Promise<void> => {};

async function stop(): Promise<void> {
  setTimeout(() => process.exit(1), DRAIN_LIMIT_MS).unref();
  await close();
  process.exit(0);
}

// Sent to a whole process group, these are the parent's to act on.
for (const signal of ['SIGINT', 'SIGQUIT', 'SIGHUP'] as const) process.on(signal, () => {});
process.once('SIGTERM', stop);
parent.once('close', stop);

function report(error: unknown, request: AppRequest): void {
  const what = `The application failed at ${request.method} ${request.target}`;
  process.stderr.write(complaintLine(complaints === 'json' ? 'json' : 'text', what, error));
}

// Asked whether it is alive, it is.
parent.onRequest(({ head }) => (asksForReadings(head) ? tellReadings() : undefined));

/** Tells why there is no application, which is the parent's to say. */
async function refuse(error: unknown): Promise<never> {
  await parent.request({ head: { type: 'unusable', reason: reasonOf(error) } }).catch(ignore);
  process.exit(1);
}

/** One line: what it failed with, and where in the application, if that is known. */
function reasonOf(error: unknown): string {
  const what = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const place = stack
    .split('\n')
    .find(line => line.includes(basename(module)) && /:\d+(:\d+)?\)?$/.test(line));
  const at = /[^/\s(]+:\d+(:\d+)?(?=\)?$)/.exec(place ?? '')?.[0];
  const [first = ''] = what.split('\n');
  const cause = first.replace(`Cannot run ${module}: `, '');
  return `Cannot run ${module}: ${cause}${at === undefined ? '' : ` (${at})`}`;
}

const handler = await loadApp(module).catch(refuse);
const pool = createPool({ name: 'answers' });
const cache = new SiteCache(parent, root);
const endpoint = await listen(ownName('app'), {
  channel: { rememberHeads: true },
});
endpoint.on('channel', channel => {
  const session = new AppSession(channel, { handler, pool, cache, failed: report });
  sessions.add(session);
  channel.once('close', () => sessions.delete(session));
});
close = async () => {
  await endpoint.close();
  await Promise.all([...sessions].map(session => session.drain()));
};
// A parent that is gone before it has answered is told of by 'close'.
parent.request({ head: { type: 'serving', address: endpoint.path } }).catch(ignore);
