import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import * as v from 'valibot';
import { unixPathOf } from '../../os/unix-address.ts';
import { UserError } from '../user-error.ts';
import { type UnixSetting, withAbsolutePath } from './listen/unix-place.ts';
import type { ContentConfig, HostConfig, RuleConfig } from './settings/content-schema.ts';
import { faultsIn } from './settings/faults.ts';
import { MAX_PORT } from './settings/schema-parts.ts';
import { type ServeConfig, SettingsSchema } from './settings/settings-schema.ts';
import { withAbsoluteHostTls, withAbsoluteTls } from './tls/tls-plan.ts';

/** The file that is read when none is named, if it is there. */
const DEFAULT_FILE = 'iolite.config.json';

/**
 * Reads a file of settings. Paths in it are relative to where it lies.
 * @param path default: {@link DEFAULT_FILE}, which may be missing
 * @throws UserError that names the file, and each place in it
 */
export async function readConfig(path: string | undefined): Promise<ServeConfig> {
  const file = path ?? DEFAULT_FILE;
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && path === undefined) return {};
    throw new UserError(`Cannot read ${file}: ${code === 'ENOENT' ? 'there is no such file' : message}`);
  }
  return withAbsolutePaths(parseConfig(content, file), dirname(resolve(file)));
}

/** What the environment says where neither the file nor a flag does: PORT and HOST. @throws UserError */
export function environmentConfig({ PORT, HOST }: NodeJS.ProcessEnv): Pick<ServeConfig, 'port' | 'host'> {
  const port = PORT === undefined || PORT === '' ? undefined : Number(PORT);
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= MAX_PORT)) {
    throw new UserError(`Cannot use PORT: an integer, 0 to ${MAX_PORT}, is wanted, ${PORT} was given`);
  }
  return {
    ...(port === undefined ? {} : { port }),
    ...(HOST === undefined || HOST === '' ? {} : { host: HOST }),
  };
}

/** @throws UserError */
function parseConfig(content: string, file: string): ServeConfig {
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (error) {
    throw new UserError(`Cannot use ${file}: it is not JSON: ${(error as Error).message}`);
  }
  const faults = faultsIn(SettingsSchema, json).map(each => `Cannot use ${file}: ${each}`);
  if (faults.length > 0) throw new UserError(...(faults as [string, ...string[]]));
  return v.parse(SettingsSchema, json);
}

function withAbsolutePaths(config: ServeConfig, folder: string): ServeConfig {
  const { tls, log, hosts, listen = [], metrics, pidFile } = config;
  const sockets: readonly UnixSetting[] = Array.isArray(listen) ? listen : [listen];
  return {
    ...withAbsoluteContent(config, folder),
    ...(sockets.length === 0
      ? {}
      : { listen: sockets.map(each => withAbsolutePath(each, folder)) as ServeConfig['listen'] }),
    ...(metrics === undefined || unixPathOf(metrics) === undefined
      ? {}
      : { metrics: withAbsolutePath(metrics, folder) as string }),
    ...(hosts === undefined
      ? {}
      : {
          hosts: Object.fromEntries(
            Object.entries(hosts).map(([name, each]) => [name, withAbsoluteHost(each, folder)]),
          ),
        }),
    ...(tls === undefined ? {} : { tls: withAbsoluteTls(tls, folder) }),
    ...(pidFile === undefined ? {} : { pidFile: resolve(folder, pidFile) }),
    ...(log === undefined || log.file === '-' ? {} : { log: { ...log, file: resolve(folder, log.file) } }),
  };
}

function withAbsoluteHost(host: HostConfig, folder: string): HostConfig {
  const content = withAbsoluteContent(host, folder);
  return host.tls === undefined ? content : { ...content, tls: withAbsoluteHostTls(host.tls, folder) };
}

function withAbsoluteContent<T extends ContentConfig>(content: T, folder: string): T {
  const { rules } = content;
  return {
    ...content,
    ...absolute(content, folder),
    ...(rules === undefined
      ? {}
      : { rules: rules.map((rule): RuleConfig => ({ ...rule, ...absolute(rule, folder) })) }),
  };
}

function absolute(
  { root, app }: Pick<RuleConfig, 'root' | 'app'>,
  folder: string,
): Pick<RuleConfig, 'root' | 'app'> {
  return {
    ...(root === undefined ? {} : { root: resolve(folder, root) }),
    ...(app === undefined
      ? {}
      : {
          app: {
            ...app,
            ...(app.module === undefined ? {} : { module: resolve(folder, app.module) }),
            ...(app.root === undefined ? {} : { root: resolve(folder, app.root) }),
          },
        }),
  };
}
