import { createPool } from '../../aggregate/pool.ts';
import { createFileCache, type OwnedFileCache } from '../../file/cache/owned-cache.ts';
import type { ProxyClusterOptions } from '../../http/proxy/cluster/proxy-cluster.ts';
import type { PoolHolder } from '../../memory/chunk-holdings.ts';
import { sharedMemoryProblem } from '../../memory/support.ts';
import { ownGovernor } from '../../store/governor/governor.ts';
import { DEFAULT_POLICY } from '../../store/policies/index.ts';
import { complain, notify } from '../complain.ts';
import { UserError } from '../user-error.ts';
import { frontPageAdvice } from './front-page.ts';
import type { Inspector } from './inspect/inspector.ts';
import { inspectorOptions } from './inspect/inspector-address.ts';
import type { InspectorReader } from './inspect/inspector-reader.ts';
import { openWatchSocket } from './inspect/watch-socket.ts';
import type { ListeningPlaces } from './listen/listening-places.ts';
import { METRICS_NAME, openPlaces, redirectPort } from './listen/open-places.ts';
import { type PassedSocket, takePassedSockets } from './listen/passed-sockets.ts';
import type { Observation, Observed } from './observe/observation.ts';
import { observationAddress } from './observe/observation-address.ts';
import { Origins } from './origins.ts';
import { joinOwnCluster } from './own-cluster.ts';
import { Primary } from './primary.ts';
import { budgetOf, DRAIN_MS, defaultWorkers, letHeapGrow } from './serve-defaults.ts';
import { planOf, type ServePlan } from './serve-plan.ts';
import { PidFile } from './service/pid-file.ts';
import { ServiceManager } from './service/service-manager.ts';
import { followSignals } from './service/signals.ts';
import type { ServeConfig } from './settings/settings-schema.ts';
import { Shutdown } from './shutdown.ts';

const MIB_BYTES = 1024 ** 2;

/**
 * Serves by a configuration until a signal ends it: the first lets the workers finish their responses, a
 * second one kills them. SIGHUP reads the configuration again, SIGUSR1 opens the log's file anew.
 * @returns the exit code
 * @throws UserError
 */
export async function serve(readSettings: () => Promise<ServeConfig>): Promise<number> {
  letHeapGrow();
  const passed = takePassedSockets();
  const manager = new ServiceManager();
  checkSharedMemory();
  const shown = passed.find(({ name }) => name === METRICS_NAME);
  const read = async (): Promise<ServeConfig> => withShown(await readSettings(), shown);
  const config = await read();
  const { workers: count = defaultWorkers() } = config;
  const plan = await planOf(config);
  using _ = config.pidFile === undefined ? undefined : new PidFile(config.pidFile);
  const observation = await openObservation(config.metrics, shown, {
    metrics: () => primary.metrics(),
    isReady: () => primary.isReady,
  });
  const inspector = await openInspector(config.inspect, () => primary.inspection());
  const sites = passed.filter(each => each !== shown);
  const places = await openPlaces(config, count, sites);
  const { cache, holders, origins, close } = await openCaches(config, count);
  let drain = config.drain ?? {};
  const stopping = (): void => manager.stopping((drain.delay ?? 0) + (drain.time ?? DRAIN_MS));
  const fail = ({ message }: Error): void => {
    complain(`Cannot serve: ${message}`);
    stopping();
    shutdown.begin(1);
  };
  const primary: Primary = new Primary(
    cache,
    holders,
    { listeners: places.descriptors(count), roles: places.roles },
    origins,
    error => fail(error),
  );
  const shutdown = new Shutdown(primary, places, () => drain.delay ?? 0);
  const what = contentOf(config, places, count);
  const reread = async (): Promise<ServePlan> => {
    const changed = await read();
    const next = await planOf(changed);
    complainOfFixed(config, changed);
    drain = changed.drain ?? {};
    return next;
  };
  followSignals({
    end: exitCode => {
      stopping();
      shutdown.signalled(exitCode);
    },
    reload: () => void reload(primary, manager, { what, reread }),
    reopenLog: () => primary.reopenLog(),
  });
  const watchers = await openWatchSocket(() => primary.inspection());
  try {
    await primary.start(plan);
    if (!primary.closing) {
      announce(what, places, { observation, inspector, advice: frontPageAdvice(config) });
      manager.ready(what);
      manager.watch(limit => primary.answers(limit));
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    fail(error);
  }
  const code = await shutdown.code;
  manager.close();
  observation?.close();
  inspector?.close();
  await watchers?.close();
  await close();
  return code;
}

/** Goes on by other settings, if they are right. @param what is served, for people */
async function reload(
  primary: Primary,
  manager: ServiceManager,
  { what, reread }: { readonly what: string; reread(): Promise<ServePlan> },
): Promise<void> {
  manager.reloading();
  manager.reloaded((await primary.reload(reread)) ?? what);
}

/** @throws UserError where memory cannot be shared */
function checkSharedMemory(): void {
  const problem = sharedMemoryProblem();
  if (problem !== undefined) throw new UserError(`Cannot serve: ${problem.message}`);
}

/** What is kept in memory: files, and what origins have answered. */
async function openCaches(
  config: ServeConfig,
  count: number,
): Promise<{
  readonly cache: OwnedFileCache;
  /** Who holds chunks of the cache's pool. */
  holders(): readonly PoolHolder[];
  readonly origins: Origins;
  close(): Promise<void>;
}> {
  const cluster = await joinOwnCluster(config);
  const budget = budgetOf(config, count);
  const policy = config.cachePolicy ?? DEFAULT_POLICY;
  ownGovernor().complain = complain;
  // Workers send from it by reference to clients that are slow.
  const pool = createPool({ name: 'cache', limit: Math.max(budget, MIB_BYTES), refill: false });
  const cache = createFileCache({ budget, policy, pool });
  const origins = new Origins(budget, policy, { cluster, ...placeOf(config) });
  const close = async (): Promise<void> => {
    await origins.close();
    await cluster?.close();
    cache.close();
    pool.close();
  };
  return { cache, holders: () => pool.holders(), origins, close };
}

/** What proxies are told of their place among other machines. */
function placeOf({ cluster = {} }: ServeConfig): ProxyClusterOptions {
  const { onPartition, secret, warm, warmRate, warmTimeout } = cluster;
  const bytesRate = warmRate === undefined ? undefined : warmRate * MIB_BYTES;
  const collapse = secret === undefined ? 'machine' : 'cluster';
  return { onPartition, collapse, warm, warmRate: bytesRate, warmTimeout };
}

/** Says of settings that are those of the start until the end. */
function complainOfFixed(before: ServeConfig, now: ServeConfig): void {
  for (const name of [
    'host',
    'port',
    'listen',
    'workers',
    'budget',
    'cachePolicy',
    'cluster',
    'metrics',
    'inspect',
    'pidFile',
  ] as const) {
    if (JSON.stringify(now[name]) !== JSON.stringify(before[name]))
      complain(`${name} has changed, which takes another start`);
  }
  const redirectOf = (config: ServeConfig): string => JSON.stringify(redirectPort(config) ?? null);
  if (redirectOf(before) !== redirectOf(now)) complain('tls.redirect has changed, which takes another start');
}

/** What is served where, for people. */
function contentOf(config: ServeConfig, { sites }: ListeningPlaces, count: number): string {
  const contents = [config, ...(config.rules ?? []), ...Object.values(config.hosts ?? {})];
  const named = contents.flatMap(({ root, app, origin }) => [root, app?.module ?? app?.fastcgi, origin]);
  const what = [...new Set(named.filter(each => each !== undefined))].join(' and ');
  const at = sites.map(site => (site.port === undefined ? site.at : `${site.at}/`)).join(' and ');
  return `Serving ${what} at ${at} with ${count} worker${count === 1 ? '' : 's'}`;
}

/** What is told of besides. */
interface Announced {
  readonly observation: Observation | undefined;
  readonly inspector: Inspector | undefined;
  readonly advice: string | undefined;
}

/** What is served is the last that is said: who starts us waits for it. */
function announce(
  what: string,
  { redirects }: ListeningPlaces,
  { observation, inspector, advice }: Announced,
): void {
  if (advice !== undefined) notify(advice);
  const { at: seen = '' } = observation ?? {};
  if (observation !== undefined)
    notify(`Metrics: ${seen.startsWith('unix:') ? `/metrics at ${seen}` : `${seen}/metrics`}`);
  if (inspector !== undefined) notify(`Inspector: ${inspector.at}`);
  for (const { port, at } of redirects)
    notify(`Clients of plain HTTP at ${port === undefined ? at : `port ${port}`} are sent to HTTPS`);
  notify(what);
}

/** Settings where a socket for figures was passed. */
function withShown(config: ServeConfig, shown: PassedSocket | undefined): ServeConfig {
  return shown === undefined ? config : { ...config, metrics: config.metrics ?? METRICS_NAME };
}

/** Loaded where it is wanted: it takes memory. @throws UserError */
async function openObservation(
  metrics: string | undefined,
  shown: PassedSocket | undefined,
  observed: Observed,
): Promise<Observation | undefined> {
  const address = shown ?? (metrics === undefined ? undefined : observationAddress(metrics));
  if (address === undefined) return undefined;
  const { Observation } = await import('./observe/observation.ts');
  const observation = new Observation(observed);
  await observation.listen(address);
  return observation;
}

/** Loaded where it is wanted. @throws UserError */
async function openInspector(
  setting: ServeConfig['inspect'],
  reader: () => Promise<InspectorReader>,
): Promise<Inspector | undefined> {
  if (setting === undefined) return undefined;
  const options = inspectorOptions(setting, process.env);
  const { Inspector } = await import('./inspect/inspector.ts');
  const inspector = new Inspector(reader);
  await inspector.listen(options);
  return inspector;
}
