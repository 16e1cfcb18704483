import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { appNameOf } from '../../http/app/server-side/app-processes.ts';
import { type HstsOptions, withHsts } from '../../http/server/hsts.ts';
import type { FileAccess } from '../../os/confine/landlock.ts';
import { UserError } from '../user-error.ts';
import { type OriginOptions, type PlannedApp, planContent } from './content-plan.ts';
import { HEALTH, READY } from './observe/health-pages.ts';
import { DRAIN_MS } from './serve-defaults.ts';
import type { ServeConfig } from './settings/settings-schema.ts';
import { planTls } from './tls/tls-plan.ts';
import { workerFiles } from './worker-files.ts';
import type { WorkerContent, WorkerSettings } from './worker-settings.ts';

/** What the processes of a configuration are started with. */
export interface ServePlan {
  readonly apps: readonly PlannedApp[];
  readonly origins: readonly OriginOptions[];
  /** Where FastCGI responders listen. */
  readonly responders: readonly string[];
  readonly settings: Omit<WorkerSettings, 'addresses' | 'proxies' | 'roles' | 'warming'>;
  /** What is not as it should be, and can be used. */
  readonly warnings: readonly string[];
  /** Directories that are served, as they were named. */
  readonly roots: readonly string[];
  /** Those that workers may read are all there are; undefined: links lead anywhere. */
  readonly confinedRoots: readonly string[] | undefined;
  /** The only files that workers may open; undefined: all. */
  readonly files: FileAccess | undefined;
}

/** What workers run. */
export const WORKER_MODULE = new URL(
  import.meta.url.endsWith('.ts') ? './serve-worker.ts' : './serve-worker.js',
  import.meta.url,
);

/** Reads and checks what a configuration refers to. @throws UserError with all that is wrong */
export async function planOf(config: ServeConfig): Promise<ServePlan> {
  const { limits = {}, tls, log, drain = {}, confine = true } = config;
  const { plan, content, hosts } = await planContent(config);
  const { backends, followsLinks, faults } = plan;
  const attempt = async <T>(check: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await check();
    } catch (error) {
      faults.push((error as Error).message);
      return undefined;
    }
  };
  if (log !== undefined && log.file !== '-') await attempt(() => checkLog(log.file));
  const secure = tls === undefined ? undefined : await planTls(tls, config.hosts);
  faults.push(...(secure?.faults ?? troubleOfHosts(config)));
  const [first, ...more] = faults;
  if (first !== undefined) throw new UserError(first, ...more);
  const { origins } = backends;
  const apps = backends.apps.map(({ options, view }) => ({
    options: log?.format === 'json' ? { ...options, complaints: 'json' as const } : options,
    view: view && { ...view, scripts: plan.scripts },
  }));
  const roots = [...plan.roots];
  return {
    apps,
    origins,
    responders: [...plan.responders],
    roots,
    confinedRoots: followsLinks ? undefined : roots,
    files: confine ? workerFiles({ roots, followsLinks, log }) : undefined,
    warnings: secure?.warnings ?? [],
    settings: {
      content: overTls(content, tls),
      hosts: Object.fromEntries(Object.entries(hosts).map(([name, each]) => [name, overTls(each, tls)])),
      limits,
      tls: secure?.settings,
      redirectTo: typeof tls?.redirect === 'object' ? tls.redirect.to : undefined,
      log,
      apps: apps.map(({ options }) => ({ ...options, name: appNameOf(options) })),
      drainTime: drain.time ?? DRAIN_MS,
      health: config.health ?? mayShowHealth(plan.roots, backends),
      observed: config.metrics !== undefined,
    },
  };
}

/** Whether nothing but files is served, of which none has the name of a page of ours. */
function mayShowHealth(
  roots: Iterable<string>,
  { apps, origins }: { readonly apps: readonly unknown[]; readonly origins: readonly unknown[] },
): boolean {
  if (apps.length > 0 || origins.length > 0) return false;
  const names = [HEALTH, READY].flatMap(name => [name, `${name}.html`]);
  return [...roots].every(root => names.every(name => !existsSync(join(root, name))));
}

/** What is said over TLS only. */
function overTls(content: WorkerContent, tls: ServeConfig['tls']): WorkerContent {
  return tls === undefined
    ? content
    : { ...content, headers: withHsts(content.headers, tls.hsts as HstsOptions) };
}

function troubleOfHosts({ hosts = {} }: ServeConfig): string[] {
  return Object.entries(hosts).flatMap(([name, { tls }]) =>
    tls === undefined ? [] : [`hosts.${name}.tls: there is no tls that it goes with`],
  );
}

/** Makes the file if it is not there: workers do not say what becomes of it. */
async function checkLog(file: string): Promise<void> {
  try {
    await (await open(file, 'a')).close();
  } catch (error) {
    throw new Error(`Cannot log to ${file}: ${(error as Error).message}`);
  }
}
