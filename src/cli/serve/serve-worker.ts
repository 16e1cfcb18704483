/**
 * A worker of `iolite serve`: answers HTTP requests from the primary's file cache and the application's
 * processes, at the listening socket it inherited. Ends when it is told to, and when the primary does.
 */

import { accessSync, constants, fstatSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { MAX_TIMEOUT_MS } from '../../base/deadlines.ts';
import { ignore } from '../../base/ignore.ts';
import { attachFileCache } from '../../file/cache/attached-cache.ts';
import { AppGateway } from '../../http/app/server-side/app-gateway.ts';
import type { Handler, ServerRequest } from '../../http/message/exchange.ts';
import { attachProxy } from '../../http/proxy/attached-proxy.ts';
import type { ProxyAddresses } from '../../http/proxy/proxy-host.ts';
import type { TrustForwarded } from '../../http/proxy/trusted-proxies.ts';
import { createUpgradeProxy } from '../../http/proxy/upgrade-proxy.ts';
import { type AccessLog, createAccessLog } from '../../http/server/access-log.ts';
import { createListener } from '../../http/server/create-listener.ts';
import { HttpsRedirect } from '../../http/server/https-redirect.ts';
import type { Listener } from '../../http/server/listener.ts';
import { connect as connectChannel } from '../../ipc/meet/connect.ts';
import { inheritedDescriptors, parentChannel } from '../../ipc/meet/fork.ts';
import { AnswerMetrics } from '../../observe/answer-metrics.ts';
import { observeAnswers } from '../../observe/answer-readings.ts';
import { demand } from '../../observe/demand.ts';
import { tellReadings } from '../../observe/readings-request.ts';
import { startSpans } from '../../observe/spans.ts';
import { complain, setComplaintFormat } from '../complain.ts';
import { IdentifiedHandler } from './identified-handler.ts';
import { HealthPages } from './observe/health-pages.ts';
import { DRAIN_MS } from './serve-defaults.ts';
import { contentOf, servesFiles } from './worker-content.ts';
import { WorkerMessage } from './worker-message.ts';
import type { WorkerSettings } from './worker-settings.ts';

/** For which connections may bring another request to a worker that has a successor. */
const PATIENCE_MS = 10_000;
const HTTPS_PORT = 443;
/** For which durations are counted after somebody has looked at them. */
const WATCHED_MS = 10_000;
/** The proxy has bounds of its own, on times and counts; what may be uploaded the origin decides. */
const PROXY_LIMITS = {
  timeout: MAX_TIMEOUT_MS,
  queueTimeout: 10_000,
  maxBodyBytes: Number.MAX_SAFE_INTEGER,
  maxConcurrency: 2 ** 20,
  maxStreams: 2 ** 20,
};

/** One for each inherited socket. */
const servers: Listener[] = [];
let accessLog: AccessLog | undefined;
/** To finish responses in, also when there is no primary any more to enforce it. */
let drainTime = DRAIN_MS;
let isLeaving = false;
let isWarm = false;
/** As the primary has told last. */
let ticketKeys: readonly string[] | undefined;

async function stop(patience: number): Promise<void> {
  await Promise.all(servers.map(server => server.close({ patience })));
  await accessLog?.close();
  process.exit(0);
}

function stopSoon(): void {
  isLeaving = true;
  setTimeout(() => process.exit(1), drainTime).unref();
  void stop(0);
}

// A reader of what we say that is gone is no reason to stop.
process.stderr.on('error', ignore);
process.on('SIGTERM', stopSoon);
// Another worker has taken its place: the primary gives it the time that its responses take.
process.on('SIGUSR2', () => void stop(PATIENCE_MS));
// Sent to a whole process group, these are the primary's to act on.
for (const signal of ['SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1'] as const) process.on(signal, () => {});

const channel = parentChannel();
channel.once('close', stopSoon);
/** Where applications listen, as long as there is nobody to tell. */
const early: [app: number, address: string][] = [];
let connect = (app: number, address: string): void => void early.push([app, address]);
let metrics: AnswerMetrics | undefined;
channel.onRequest(async ({ head, body }) => {
  body?.release();
  const { type, app, address, keys } = (head ?? {}) as PrimaryMessage;
  if (type === WorkerMessage.APPLICATION && address !== undefined) connect(app ?? 0, address);
  if (type === WorkerMessage.TICKET_KEYS && keys !== undefined) {
    ticketKeys = keys;
    for (const server of servers) server.setTicketKeys(keys);
  }
  if (type === WorkerMessage.LEAVING) isLeaving = true;
  if (type === WorkerMessage.WARM) isWarm = true;
  if (type === WorkerMessage.REOPEN) accessLog?.reopen();
  if (type === WorkerMessage.METRICS) return tellReadings();
  if (type === WorkerMessage.WATCHED) watch();
  return {};
});

let watched: NodeJS.Timeout | undefined;

/** Counts durations for a while, unless they are counted anyway. */
function watch(): void {
  if (metrics === undefined || (metrics.wantsDuration && watched === undefined)) return;
  metrics.wantsDuration = true;
  watched ??= setTimeout(() => {
    watched = undefined;
    if (metrics !== undefined) metrics.wantsDuration = false;
  }, WATCHED_MS).unref();
  watched.refresh();
}

/** What the primary tells. */
interface PrimaryMessage {
  readonly type?: string;
  readonly app?: number;
  readonly address?: string;
  readonly keys?: readonly string[];
}

async function ask(type: string): Promise<unknown> {
  const { head } = await channel.request({ head: { type } });
  return head;
}

const settings = (await ask(WorkerMessage.SETTINGS)) as WorkerSettings;
const { limits, tls, log, observed } = settings;
metrics = new AnswerMetrics(() => accessLog?.dropped ?? 0, observed);
observeAnswers(metrics);
if (observed) demand.durations = true;
startSpans();
drainTime = settings.drainTime;
if (log?.format === 'json') setComplaintFormat('json');
const gateways = settings.apps.map(options => new AppGateway(options));
connect = (app, address) => void gateways[app]?.connect(address);
for (const [app, addresses] of settings.addresses.entries())
  for (const address of addresses) connect(app, address);
for (const [app, address] of early) connect(app, address);

const STANDARD_OUTPUT = '/dev/stdout';

/**
 * By its name where that can be opened, for then no write makes the process wait. It cannot where another
 * user has made the pipe or the file.
 */
function standardOutput(): string | Writable {
  if (fstatSync(1).isSocket()) return process.stdout;
  try {
    accessSync(STANDARD_OUTPUT, constants.W_OK);
    return STANDARD_OUTPUT;
  } catch {
    return process.stdout;
  }
}

function openLog({ file, format = 'combined' }: NonNullable<WorkerSettings['log']>): AccessLog {
  /** What was lost by the time that lines were last written without trouble. */
  let before = 0;
  const opened: AccessLog = createAccessLog({
    format,
    output: file === '-' ? standardOutput() : file,
    trustForwarded: trustedByAny(settings.proxies),
    onTrouble: trouble => {
      const lost = opened.dropped - before;
      if (trouble === undefined) before = opened.dropped;
      const name = file === '-' ? 'standard output' : file;
      const told =
        trouble === undefined ? { lost } : { trouble: `Cannot log to ${name}: ${trouble.message}` };
      channel.request({ head: { type: WorkerMessage.LOG, ...told } }).catch(ignore);
    },
  });
  return opened;
}

async function proxyAt({ requests, responses, origin, upgrades }: ProxyAddresses): Promise<Handler> {
  const asked = new AppGateway({ ...PROXY_LIMITS, name: `proxy of ${origin}` });
  void asked.connect(requests);
  const tunnels = upgrades && createUpgradeProxy({ ...upgrades, complain });
  return attachProxy(await connectChannel(responses), asked, tunnels);
}

/** For the log: what is said to any origin of where a request came from. */
function trustedByAny(proxies: readonly ProxyAddresses[]): TrustForwarded {
  const stated = proxies.map(({ trustForwarded }) => trustForwarded);
  return stated.includes(true) || stated.filter(each => typeof each === 'object').flat();
}

function failed(error: unknown, { method, target }: ServerRequest): void {
  complain(`${method} ${target} failed`, error);
}

isWarm ||= !settings.warming;
const health = new HealthPages(() => isWarm && !isLeaving && gateways.every(({ size }) => size > 0));
const content = contentOf(settings, {
  first: settings.health ? [health] : [],
  gateways,
  proxies: await Promise.all(settings.proxies.map(proxyAt)),
  cache: servesFiles(settings) ? await attachFileCache(channel, { direct: true }) : undefined,
  failed,
  complain,
});

if (log !== undefined) accessLog = openLog(log);
const common = { limits, listeners: accessLog === undefined ? [metrics] : [metrics, accessLog], failed };
const handler = process.env.IOLITE_IDENTIFY_WORKERS === '1' ? new IdentifiedHandler(content) : content;
/** Where HTTPS is spoken, for those who are sent there. */
const securePort = (): number | undefined =>
  servers
    .map((server, at) => (settings.roles[at] === 'site' ? server.address()?.port : undefined))
    .find(Boolean);
const redirect = new HttpsRedirect(() => settings.redirectTo ?? securePort() ?? HTTPS_PORT);
for (const [at, fd] of inheritedDescriptors().entries()) {
  const isSite = settings.roles[at] === 'site';
  const server = createListener(isSite ? { ...common, handler, tls } : { ...common, handler: redirect });
  servers.push(server);
  if (ticketKeys !== undefined) server.setTicketKeys(ticketKeys);
  await server.listen({ fd });
}
ask(WorkerMessage.SERVING).catch(() => {});
