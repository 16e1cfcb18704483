/**
 * A worker of `iolite serve`: answers HTTP requests from the primary's file cache and the application's
 * processes, at the listening socket it inherited. Ends when it is told to, and when the primary does.
 */

import { fstatSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { MAX_TIMEOUT_MS } from '../../base/deadlines.ts';
import { attachFileCache } from '../../file/cache/attached-cache.ts';
import { AppGateway } from '../../http/app/server-side/app-gateway.ts';
import type { Handler } from '../../http/message/exchange.ts';
import { attachProxy } from '../../http/proxy/attached-proxy.ts';
import type { ProxyAddresses } from '../../http/proxy/proxy-host.ts';
import { createUpgradeProxy } from '../../http/proxy/upgrade-proxy.ts';
import { type AccessLog, createAccessLog } from '../../http/server/access-log.ts';
import { composeContent } from '../../http/server/compose.ts';
import { createListener } from '../../http/server/create-listener.ts';
import type { Listener } from '../../http/server/listener.ts';
import type { SiteOptions } from '../../http/site/site-options.ts';
import { connect as connectChannel } from '../../ipc/meet/connect.ts';
import { inheritedDescriptors, parentChannel } from '../../ipc/meet/fork.ts';
import { AnswerMetrics } from '../../observe/answer-metrics.ts';
import type { Status } from '../../observe/status.ts';
import { complain } from '../user-error.ts';
import { IdentifiedHandler } from './identified-handler.ts';
import { StatusPages, withoutStatusPages } from './status-pages.ts';
import { WorkerMessage } from './worker-message.ts';
import type { WorkerSettings } from './worker-settings.ts';

/** To finish responses in, also when there is no primary any more to enforce it. */
const DRAIN_LIMIT_MS = 10_000;
/** For which connections may bring another request to a worker that has a successor. */
const PATIENCE_MS = 10_000;
const STATUS_LIMIT_MS = 5000;
/** The proxy has bounds of its own, on times and counts; what may be uploaded the origin decides. */
const PROXY_LIMITS = {
  timeout: MAX_TIMEOUT_MS,
  queueTimeout: 10_000,
  maxBodyBytes: Number.MAX_SAFE_INTEGER,
  maxConcurrency: 2 ** 20,
  maxStreams: 2 ** 20,
};

let server: Listener | undefined;
let accessLog: AccessLog | undefined;

async function stop(patience: number): Promise<void> {
  await server?.close({ patience });
  await accessLog?.close();
  process.exit(0);
}

function stopSoon(): void {
  setTimeout(() => process.exit(1), DRAIN_LIMIT_MS).unref();
  void stop(0);
}

process.on('SIGTERM', stopSoon);
// Another worker has taken its place: the primary gives it the time that its responses take.
process.on('SIGUSR2', () => void stop(PATIENCE_MS));
// Sent to a whole process group, these are the primary's to act on.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR1'] as const) process.on(signal, () => {});

const channel = parentChannel();
channel.once('close', stopSoon);
/** Where the application listens, as long as there is nobody to tell. */
const addresses: string[] = [];
let connect = (address: string): void => void addresses.push(address);
const metrics = new AnswerMetrics();
channel.onRequest(({ head, body }) => {
  body?.release();
  const { type, address } = (head ?? {}) as { type?: string; address?: string };
  if (type === WorkerMessage.APPLICATION && address !== undefined) connect(address);
  if (type === WorkerMessage.REOPEN) accessLog?.reopen();
  return { head: metrics.figures() };
});

async function ask(type: string, timeout?: number): Promise<unknown> {
  const { head } = await channel.request({ head: { type } }, { timeout });
  return head;
}

const settings = (await ask(WorkerMessage.SETTINGS)) as WorkerSettings;
const { root, site, limits, tls, log, app, proxy } = settings;
const gateway = app === undefined ? undefined : new AppGateway(app);
connect = address => void gateway?.connect(address);
for (const address of [...settings.addresses, ...addresses]) connect(address);

/** By its name where that can be opened, for then no write makes the process wait. */
function standardOutput(): string | Writable {
  return fstatSync(1).isSocket() ? process.stdout : '/dev/stdout';
}

async function proxyAt({ requests, responses, upgrades }: ProxyAddresses): Promise<Handler> {
  const asked = new AppGateway(PROXY_LIMITS);
  void asked.connect(requests);
  return attachProxy(await connectChannel(responses), asked, createUpgradeProxy({ ...upgrades, complain }));
}

const { headers, ...options } = site;
const pages = new StatusPages(() => ask(WorkerMessage.STATUS, STATUS_LIMIT_MS) as Promise<Status>);
const content = composeContent({
  first: [pages],
  files:
    root === undefined
      ? undefined
      : {
          root,
          site: { ...options, ...(headers === undefined ? {} : { headers: () => headers }) } as SiteOptions,
          cache: await attachFileCache(channel, { direct: true }),
        },
  behind: gateway ?? (proxy === undefined ? undefined : await proxyAt(proxy)),
});

if (log !== undefined) {
  const { file, format = 'combined' } = log;
  accessLog = createAccessLog({
    format,
    output: file === '-' ? standardOutput() : file,
    trustForwarded: proxy?.upgrades.trustForwarded,
  });
}
const counted = withoutStatusPages(metrics);
server = createListener({
  handler: process.env.IOLITE_IDENTIFY_WORKERS === '1' ? new IdentifiedHandler(content) : content,
  limits,
  tls,
  listeners: accessLog === undefined ? [counted] : [counted, accessLog],
  failed: (error, { method, target }) => {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`iolite: ${method} ${target} failed: ${what}\n`);
  },
});
await server.listen({ fd: inheritedDescriptors()[0] as number });
ask(WorkerMessage.SERVING).catch(() => {});
