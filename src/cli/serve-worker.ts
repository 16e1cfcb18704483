/**
 * A worker of `iolite serve`: answers HTTP requests from the primary's file cache, at the listening socket it
 * inherited. Argument: the directory. Ends when it is told to, and when the primary does.
 */

import { createServer, type ServerResponse } from 'node:http';
import { attachFileCache } from '../file/attached-cache.ts';
import { serveStatic } from '../http/serve-static.ts';
import { inheritedDescriptors, parentChannel } from '../ipc/fork.ts';
import { STATUS_PAGE } from '../observe/page.ts';
import { Drain } from './drain.ts';
import { WorkerMessage } from './worker-message.ts';

/** Milliseconds to finish responses in, also when there is no primary any more to enforce it. */
const DRAIN_LIMIT = 10_000;
/** Milliseconds after which a connection is closed on which nothing moves. */
const IDLE_LIMIT = 120_000;
const STATUS_LIMIT = 5000;

const PAGE_POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:";

let drain: Drain | undefined;

async function stop(): Promise<void> {
  if (drain === undefined) process.exit(0);
  setTimeout(() => process.exit(1), DRAIN_LIMIT).unref();
  await drain.start();
  process.exit(0);
}

// A signal to the whole process group comes here as well as to the primary, which sends its own.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop);

const [root = ''] = process.argv.slice(2);
const channel = parentChannel();
channel.once('close', stop);
let requests = 0;
channel.onRequest(() => ({ head: { requests } }));

const serveFile = serveStatic(root, { cache: await attachFileCache(channel) });
const identify = process.env.IOLITE_IDENTIFY_WORKERS === '1';

const server = createServer((request, response) => {
  if (identify) response.setHeader('X-Iolite-Worker', String(process.pid));
  const [path] = (request.url ?? '').split('?', 1);
  if (path !== '/_iolite' && path !== '/_iolite/status.json') {
    requests += 1;
    serveFile(request, response);
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    answer(response, 405, 'text/plain; charset=utf-8', 'Method not allowed\n');
  } else if (path === '/_iolite') {
    response.setHeader('Content-Security-Policy', PAGE_POLICY);
    answer(response, 200, 'text/html; charset=utf-8', STATUS_PAGE);
  } else {
    void answerStatus(response);
  }
});
server.timeout = IDLE_LIMIT;

async function answerStatus(response: ServerResponse): Promise<void> {
  try {
    const signal = AbortSignal.timeout(STATUS_LIMIT);
    const { head } = await channel.request({ head: { type: WorkerMessage.STATUS } }, { signal });
    answer(response, 200, 'application/json', JSON.stringify(head));
  } catch {
    answer(response, 503, 'text/plain; charset=utf-8', 'The status is not available\n');
  }
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  // node:http leaves the body of an answer to HEAD away.
  response.end(body);
}

drain = new Drain(server);
server.listen({ fd: inheritedDescriptors()[0] as number }, () => {
  channel.request({ head: { type: WorkerMessage.SERVING } }).catch(() => {});
});
