import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import * as v from 'valibot';
import { MAX_TIMEOUT_MS } from '../../base/deadlines.ts';
import { POLICY_NAMES } from '../../store/policies/index.ts';
import { UserError } from '../user-error.ts';

export const MAX_PORT = 0xffff;
export const MAX_WORKERS = 256;
export const MAX_BUDGET_MIB = 1024 ** 2;

/** An integer from `min` to `max`. */
function integer(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  const wanted = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`;
  const message = ({ received }: { received: string }): string =>
    `an integer, ${wanted}, is wanted, ${received} was given`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(min, message), v.maxValue(max, message));
}

const text = v.pipe(v.string(), v.nonEmpty('a text that is not empty is wanted'));
const time = integer(0, MAX_TIMEOUT_MS);
const origin = v.pipe(text, v.url('a URL is wanted'));
const names = v.union([text, v.array(text), v.literal(false)]);

const AppSchema = v.strictObject({
  module: text,
  workers: v.optional(integer(1, MAX_WORKERS)),
  timeout: v.optional(integer(1, MAX_TIMEOUT_MS)),
  hangTimeout: v.optional(integer(1, MAX_TIMEOUT_MS)),
  maxBodyBytes: v.optional(integer(0)),
  maxConcurrency: v.optional(integer(1, 2 ** 20)),
  maxQueue: v.optional(integer(0, 2 ** 20)),
});

const SiteSchema = v.strictObject({
  index: v.optional(names),
  extensions: v.optional(v.union([v.array(text), v.literal(false)])),
  redirect: v.optional(v.boolean()),
  dotfiles: v.optional(v.picklist(['allow', 'deny', 'ignore'])),
  symlinks: v.optional(v.picklist(['inside', 'deny', 'follow'])),
  listing: v.optional(v.boolean()),
  fallback: v.optional(text),
  cacheControl: v.optional(v.union([v.boolean(), text])),
  maxAge: v.optional(v.union([integer(0), text])),
  immutable: v.optional(v.boolean()),
  encodings: v.optional(v.boolean()),
  headers: v.optional(v.record(text, v.string())),
  errorPages: v.optional(
    v.record(v.pipe(v.string(), v.regex(/^[45]\d\d$/, 'an error status is wanted')), text),
  ),
});

const LimitsSchema = v.strictObject({
  headersTimeout: v.optional(time),
  requestTimeout: v.optional(time),
  keepAliveTimeout: v.optional(time),
  idleTimeout: v.optional(time),
  maxHeaderSize: v.optional(integer(1024, 1024 ** 2)),
  maxConnections: v.optional(integer(1, 2 ** 31)),
});

const ConfigSchema = v.strictObject({
  root: v.optional(text),
  host: v.optional(text),
  port: v.optional(integer(0, MAX_PORT)),
  workers: v.optional(integer(1, MAX_WORKERS)),
  budget: v.optional(integer(1, MAX_BUDGET_MIB)),
  cachePolicy: v.optional(v.picklist(POLICY_NAMES)),
  confine: v.optional(v.boolean()),
  site: v.optional(SiteSchema),
  app: v.optional(AppSchema),
  origin: v.optional(origin),
  proxy: v.optional(
    v.strictObject({ trustForwarded: v.optional(v.boolean()), storeCookies: v.optional(v.boolean()) }),
  ),
  tls: v.optional(v.strictObject({ cert: text, key: text })),
  limits: v.optional(LimitsSchema),
  log: v.optional(v.strictObject({ file: text, format: v.optional(v.picklist(['combined', 'json'])) })),
});

/**
 * What `iolite serve` does, by its file and its flags. Paths are absolute, or relative to the working
 * directory.
 */
export type ServeConfig = v.InferOutput<typeof ConfigSchema>;
export type SiteConfig = v.InferOutput<typeof SiteSchema>;

/** The file that is read when none is named, if it is there. */
const DEFAULT_FILE = 'iolite.config.json';

/**
 * Reads a file of settings. Paths in it are relative to where it lies.
 * @param path default: {@link DEFAULT_FILE}, which may be missing
 * @throws UserError that names the file, and the place in it
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

/** @throws UserError */
function parseConfig(content: string, file: string): ServeConfig {
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (error) {
    throw new UserError(`Cannot use ${file}: it is not JSON: ${(error as Error).message}`);
  }
  const { success, output, issues } = v.safeParse(ConfigSchema, json);
  if (success) return output;
  const [first] = issues;
  const place = v.getDotPath(first);
  throw new UserError(`Cannot use ${file}: ${place === null ? '' : `${place}: `}${complaint(first)}`);
}

function complaint({ type, kind, message, received }: v.BaseIssue<unknown>): string {
  if (
    type === 'strict_object' &&
    kind === 'schema' &&
    received !== 'undefined' &&
    message.includes('never')
  ) {
    return 'there is no such setting';
  }
  return message.replace(/^Invalid \w+: /, '').replace(/^Expected/, 'expected');
}

function withAbsolutePaths(config: ServeConfig, folder: string): ServeConfig {
  const { root, app, tls, log } = config;
  return {
    ...config,
    ...(root === undefined ? {} : { root: resolve(folder, root) }),
    ...(app === undefined ? {} : { app: { ...app, module: resolve(folder, app.module) } }),
    ...(tls === undefined ? {} : { tls: { cert: resolve(folder, tls.cert), key: resolve(folder, tls.key) } }),
    ...(log === undefined || log.file === '-' ? {} : { log: { ...log, file: resolve(folder, log.file) } }),
  };
}
