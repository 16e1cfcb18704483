import { open, readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { FileAccess } from '../../os/confine/landlock.ts';
import { UserError } from '../user-error.ts';
import { type AppConfig, type OriginOptions, planContent } from './content-plan.ts';
import { DRAIN_MS } from './serve-defaults.ts';
import type { ServeConfig } from './settings/settings-schema.ts';
import { workerFiles } from './worker-files.ts';
import type { WorkerSettings } from './worker-settings.ts';

/** What the processes of a configuration are started with. */
export interface ServePlan {
  readonly apps: readonly AppConfig[];
  readonly origins: readonly OriginOptions[];
  readonly settings: Omit<WorkerSettings, 'addresses' | 'proxies'>;
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
  const pem = tls === undefined ? undefined : await attempt(() => readTls(tls));
  const [first, ...more] = faults;
  if (first !== undefined) throw new UserError(first, ...more);
  const { apps, origins } = backends;
  const roots = [...plan.roots];
  return {
    apps: log?.format === 'json' ? apps.map(app => ({ ...app, complaints: 'json' })) : apps,
    origins,
    roots,
    confinedRoots: followsLinks ? undefined : roots,
    files: confine ? workerFiles({ roots, followsLinks, log }) : undefined,
    settings: { content, hosts, limits, tls: pem, log, apps, drainTime: drain.time ?? DRAIN_MS },
  };
}

/** Makes the file if it is not there: workers do not say what becomes of it. */
async function checkLog(file: string): Promise<void> {
  try {
    await (await open(file, 'a')).close();
  } catch (error) {
    throw new Error(`Cannot log to ${file}: ${(error as Error).message}`);
  }
}

async function readTls({ cert, key }: { cert: string; key: string }): Promise<{ cert: string; key: string }> {
  const pem = { cert: await readPem(cert, 'certificate'), key: await readPem(key, 'key') };
  try {
    createSecureContext(pem);
    return pem;
  } catch (error) {
    throw new Error(`Cannot use the certificate ${cert} with the key ${key}: ${(error as Error).message}`);
  }
}

async function readPem(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new Error(`Cannot read the ${what}: ${(error as Error).message}`);
  }
}
