import { access, constants, open, readFile, realpath, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { AppProcessesOptions } from '../../http/app/server-side/app-processes.ts';
import type { FileAccess } from '../../os/confine/landlock.ts';
import { UserError } from '../user-error.ts';
import type { ServeConfig } from './serve-config.ts';
import { workerFiles } from './worker-files.ts';
import type { WorkerSettings } from './worker-settings.ts';

/** What the processes of a configuration are started with. */
export interface ServePlan {
  readonly app: AppProcessesOptions | undefined;
  readonly settings: Omit<WorkerSettings, 'addresses' | 'proxy'>;
  /** The only files that workers may open; undefined: all. */
  readonly files: FileAccess | undefined;
}

/** What workers run. */
export const WORKER_MODULE = new URL(
  import.meta.url.endsWith('.ts') ? './serve-worker.ts' : './serve-worker.js',
  import.meta.url,
);

/** Reads and checks what a configuration refers to. @throws UserError */
export async function planOf({
  root,
  site = {},
  limits = {},
  app,
  tls,
  log,
  confine = true,
}: ServeConfig): Promise<ServePlan> {
  if (app !== undefined) await checkModule(app.module);
  if (log !== undefined && log.file !== '-') await checkLog(log.file);
  const directory = root === undefined ? undefined : await checkDirectory(root);
  return {
    app,
    files: confine ? workerFiles({ root: directory, site, log }) : undefined,
    settings: {
      root: directory,
      site,
      limits,
      tls: tls === undefined ? undefined : await readTls(tls),
      log,
      app,
    },
  };
}

/** The real path of a directory that can be read. */
async function checkDirectory(directory: string): Promise<string> {
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such directory',
    ENOTDIR: 'it is not a directory',
    EACCES: 'there is no permission to read it',
  };
  try {
    const root = await realpath(directory);
    if (!(await stat(root)).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    await access(root, constants.R_OK | constants.X_OK);
    return root;
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new UserError(`Cannot serve ${directory}: ${reasons[code] ?? message}`);
  }
}

async function checkModule(module: string): Promise<void> {
  try {
    await access(module, constants.R_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(
      `Cannot run application ${module}: ` +
        `${code === 'EACCES' ? 'there is no permission to read it' : 'there is no such file'}`,
    );
  }
}

/** Makes the file if it is not there: workers do not say what becomes of it. */
async function checkLog(file: string): Promise<void> {
  try {
    await (await open(file, 'a')).close();
  } catch (error) {
    throw new UserError(`Cannot log to ${file}: ${(error as Error).message}`);
  }
}

async function readTls({ cert, key }: { cert: string; key: string }): Promise<{ cert: string; key: string }> {
  const pem = { cert: await readPem(cert, 'certificate'), key: await readPem(key, 'key') };
  try {
    createSecureContext(pem);
    return pem;
  } catch (error) {
    throw new UserError(
      `Cannot use the certificate ${cert} with the key ${key}: ${(error as Error).message}`,
    );
  }
}

async function readPem(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UserError(`Cannot read the ${what}: ${(error as Error).message}`);
  }
}
