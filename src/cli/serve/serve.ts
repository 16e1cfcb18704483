import { lookup } from 'node:dns/promises';
import { closeSync, openSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { availableParallelism, totalmem } from 'node:os';
import { createPool } from '../../aggregate/pool.ts';
import { createFileCache } from '../../file/cache/owned-cache.ts';
import { ProxyHost } from '../../http/proxy/proxy-host.ts';
import { type Listeners, openListeners } from '../../os/listener.ts';
import { complain } from '../complain.ts';
import { Failure } from '../user-error.ts';
import { Primary } from './primary.ts';
import type { ServeConfig } from './serve-config.ts';
import { planOf } from './serve-plan.ts';
import { Ending } from './shutdown.ts';

const MIB = 1024 ** 2;
const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 8080;
const MAX_DEFAULT_BUDGET = 1024 * MIB;
const ENDING = { SIGINT: 130, SIGTERM: 143 } as const;
const HANGUP_CODE = 129;

/**
 * Serves by a configuration until a signal ends it: the first lets the workers finish their responses, a
 * second one kills them. SIGHUP reads the configuration again, SIGUSR1 opens the log's file anew.
 * @returns the exit code
 * @throws Failure
 */
export async function serve(read: () => Promise<ServeConfig>): Promise<number> {
  const config = await read();
  const { host = DEFAULT_HOST, workers: count = availableParallelism() } = config;
  const plan = await planOf(config);
  const { fds, port } = openPort(await resolveHost(host), config, count);
  const budget = budgetOf(config);
  // Workers send from it by reference to clients that are slow.
  using pool = createPool({ name: 'cache', limit: Math.max(budget, MIB), refill: false });
  const cache = createFileCache({ budget, policy: config.cachePolicy ?? 'lru', pool });
  const proxy = await startProxy(config);
  const primary: Primary = new Primary(cache, [...fds], proxy?.addresses, ({ message }) => {
    complain(`Cannot serve: ${message}`);
    ending.begin(1);
  });
  const ending = new Ending(primary, fds);
  for (const [signal, code] of Object.entries(ENDING)) process.on(signal, () => ending.signalled(code));
  const hadTerminal = hasTerminal();
  process.on('SIGHUP', () => {
    if (hadTerminal && !hasTerminal()) return ending.signalled(HANGUP_CODE);
    void primary.reload(async () => planOf(reread(config, await read())));
  });
  process.on('SIGUSR1', () => primary.reopenLog());
  try {
    await primary.start(plan);
    if (!primary.closing) announce(config, port, count);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    complain(`Cannot serve: ${error.message}`);
    ending.begin(1);
  }
  const code = await ending.code;
  await proxy?.close();
  cache.close();
  return code;
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
function reread(before: ServeConfig, now: ServeConfig): ServeConfig {
  for (const name of ['host', 'port', 'workers', 'budget', 'cachePolicy', 'origin'] as const) {
    if (now[name] !== before[name]) complain(`${name} has changed, which takes another start`);
  }
  return now;
}

function announce(
  { root, app, origin, host = DEFAULT_HOST, tls }: ServeConfig,
  port: number,
  count: number,
): void {
  const scheme = tls === undefined ? 'http' : 'https';
  const at = `${scheme}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const what = [root, app?.module, origin].filter(each => each !== undefined).join(' and ');
  console.log(`Serving ${what} at ${at}/ with ${count} worker${count === 1 ? '' : 's'}`);
  console.log(`Memory per process, live: ${at}/_iolite`);
}

async function resolveHost(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(`Cannot listen on ${host}: the name does not resolve (${code})`);
  }
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
    throw new Failure(
      reason === undefined ? message : `Cannot listen on ${host} port ${port ?? DEFAULT_PORT}: ${reason}`,
    );
  }
}

/** The proxy of the origin, if there is one. @throws Failure */
async function startProxy(config: ServeConfig): Promise<ProxyHost | undefined> {
  const { origin, cachePolicy = 'lru' } = config;
  if (origin === undefined) return undefined;
  try {
    return await ProxyHost.start(
      { origin, budget: budgetOf(config), policy: cachePolicy },
      (error, { method, target }) =>
        complain(`Proxying ${method} ${target} failed: ${(error as Error).message}`),
    );
  } catch (error) {
    throw new Failure(`Cannot serve ${origin}: ${(error as Error).message}`);
  }
}

/** Files and an origin have half of it each. */
function budgetOf({ budget, root, origin }: ServeConfig): number {
  const whole =
    budget === undefined ? Math.min(MAX_DEFAULT_BUDGET, Math.floor(totalmem() / 4)) : budget * MIB;
  return root === undefined || origin === undefined ? whole : Math.floor(whole / 2);
}
