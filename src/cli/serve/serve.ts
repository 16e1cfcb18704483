import { lookup } from 'node:dns/promises';
import { closeSync, openSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { constants } from 'node:os';
import { createPool } from '../../aggregate/pool.ts';
import { createFileCache } from '../../file/cache/owned-cache.ts';
import { sharedMemoryProblem } from '../../memory/support.ts';
import { type Listeners, openListeners } from '../../os/listener.ts';
import { ownGovernor } from '../../store/governor/governor.ts';
import { DEFAULT_POLICY } from '../../store/policies/index.ts';
import { complain, notify } from '../complain.ts';
import { UserError } from '../user-error.ts';
import type { Inspector } from './inspect/inspector.ts';
import { inspectorOptions } from './inspect/inspector-address.ts';
import type { InspectorReader } from './inspect/inspector-reader.ts';
import { openWatchSocket } from './inspect/watch-socket.ts';
import type { Observation, Observed } from './observe/observation.ts';
import { observationAddress } from './observe/observation-address.ts';
import { Origins } from './origins.ts';
import { Primary } from './primary.ts';
import { budgetOf, defaultWorkers } from './serve-defaults.ts';
import { planOf } from './serve-plan.ts';
import type { ServeConfig } from './settings/settings-schema.ts';
import { Shutdown } from './shutdown.ts';

const MIB_BYTES = 1024 ** 2;
const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 8080;

/**
 * Serves by a configuration until a signal ends it: the first lets the workers finish their responses, a
 * second one kills them. SIGHUP reads the configuration again, SIGUSR1 opens the log's file anew.
 * @returns the exit code
 * @throws UserError
 */
export async function serve(read: () => Promise<ServeConfig>): Promise<number> {
  const problem = sharedMemoryProblem();
  if (problem !== undefined) throw new UserError(`Cannot serve: ${problem.message}`);
  const config = await read();
  const { host = DEFAULT_HOST, workers: count = defaultWorkers() } = config;
  const plan = await planOf(config);
  const observation = await openObservation(config.metrics, {
    metrics: () => primary.metrics(),
    isReady: () => primary.isReady,
  });
  const inspector = await openInspector(config.inspect, () => primary.inspection());
  const { fds, port } = openPort(await resolveHost(host), config, count);
  const plain = await openRedirect(config, count);
  const budget = budgetOf(config, count);
  ownGovernor().complain = complain;
  // Workers send from it by reference to clients that are slow.
  using pool = createPool({ name: 'cache', limit: Math.max(budget, MIB_BYTES), refill: false });
  const cache = createFileCache({ budget, policy: config.cachePolicy ?? DEFAULT_POLICY, pool });
  const origins = new Origins(budget, config.cachePolicy ?? DEFAULT_POLICY);
  let delay = config.drain?.delay ?? 0;
  const primary: Primary = new Primary(
    cache,
    () => pool.holders(),
    fds.map((fd, index) => [fd, ...plain.fds.slice(index, index + 1)]),
    origins,
    ({ message }) => {
      complain(`Cannot serve: ${message}`);
      shutdown.begin(1);
    },
  );
  const shutdown = new Shutdown(primary, [...fds, ...plain.fds], () => delay);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => shutdown.signalled(exitCodeOf(signal)));
  }
  const hadTerminal = hasTerminal();
  process.on('SIGHUP', () => {
    if (hadTerminal && !hasTerminal()) return shutdown.signalled(exitCodeOf('SIGHUP'));
    void primary.reload(async () => {
      const changed = await read();
      const next = await planOf(changed);
      complainOfFixed(config, changed);
      delay = changed.drain?.delay ?? 0;
      return next;
    });
  });
  process.on('SIGUSR1', () => primary.reopenLog());
  const watchers = await openWatchSocket(() => primary.inspection());
  try {
    await primary.start(plan);
    if (!primary.closing) {
      if (observation !== undefined) notify(`Metrics: ${observation.at}/metrics`);
      if (inspector !== undefined) notify(`Inspector: ${inspector.at}`);
      announce(config, port, count, plain.port);
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    complain(`Cannot serve: ${error.message}`);
    shutdown.begin(1);
  }
  const code = await shutdown.code;
  observation?.close();
  inspector?.close();
  await watchers?.close();
  await origins.close();
  cache.close();
  return code;
}

/** What a shell says of a process that a signal ended. */
function exitCodeOf(signal: NodeJS.Signals): number {
  return 0x80 + constants.signals[signal];
}

/** Whether there is a terminal whose hang-up a SIGHUP may tell of. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

/** Says of settings that are those of the start until the end. */
function complainOfFixed(before: ServeConfig, now: ServeConfig): void {
  for (const name of ['host', 'port', 'workers', 'budget', 'cachePolicy', 'metrics', 'inspect'] as const) {
    if (JSON.stringify(now[name]) !== JSON.stringify(before[name]))
      complain(`${name} has changed, which takes another start`);
  }
  const redirectOf = ({ tls }: ServeConfig): string => JSON.stringify(portOf(tls?.redirect) ?? null);
  if (redirectOf(before) !== redirectOf(now)) complain('tls.redirect has changed, which takes another start');
}

function announce(config: ServeConfig, port: number, count: number, plainPort?: number): void {
  const { host = DEFAULT_HOST, tls } = config;
  const scheme = tls === undefined ? 'http' : 'https';
  const at = `${scheme}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const places = [config, ...(config.rules ?? []), ...Object.values(config.hosts ?? {})];
  const named = places.flatMap(({ root, app, origin }) => [root, app?.module ?? app?.fastcgi, origin]);
  const what = [...new Set(named.filter(each => each !== undefined))].join(' and ');
  if (plainPort !== undefined) notify(`Clients of plain HTTP at port ${plainPort} are sent to HTTPS`);
  // The last that is said: who starts us waits for it.
  notify(`Serving ${what} at ${at}/ with ${count} worker${count === 1 ? '' : 's'}`);
}

/** Loaded where it is wanted: it takes memory. @throws UserError */
async function openObservation(
  metrics: string | undefined,
  observed: Observed,
): Promise<Observation | undefined> {
  const address = metrics === undefined ? undefined : observationAddress(metrics);
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

async function resolveHost(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`Cannot listen on ${host}: the name does not resolve (${code})`);
  }
}

/** Sockets for clients of plain HTTP, one a worker; none where there are none. */
async function openRedirect(
  config: ServeConfig,
  count: number,
): Promise<{ readonly fds: readonly number[]; readonly port?: number }> {
  const port = portOf(config.tls?.redirect);
  if (port === undefined) return { fds: [] };
  const { host = DEFAULT_HOST } = config;
  return openPort(await resolveHost(host), { host, port }, count);
}

function portOf(redirect: NonNullable<ServeConfig['tls']>['redirect']): number | undefined {
  return typeof redirect === 'object' ? redirect.port : redirect;
}

function openPort(address: string, config: ServeConfig, count: number): Listeners {
  const { host = DEFAULT_HOST, port } = config;
  const reasons: Record<string, string> = {
    EADDRINUSE: 'the port is in use',
    EACCES: 'there is no permission to use the port',
    EADDRNOTAVAIL: 'it is no address of this machine',
  };
  try {
    return openListeners(address, port ?? DEFAULT_PORT, count);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (port === undefined && code === 'EADDRINUSE') return openPort(address, { host, port: 0 }, count);
    const reason = reasons[code];
    throw new UserError(
      reason === undefined ? message : `Cannot listen on ${host} port ${port ?? DEFAULT_PORT}: ${reason}`,
    );
  }
}
