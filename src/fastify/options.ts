import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ArgumentError, describe } from '../base/error.ts';
import type { SentFile, SetsHeaders } from '../http/node/set-headers.ts';
import type { ChosenFileOptions } from '../http/site/chosen-files.ts';
import type { Instance, Reply, Request } from './framework.ts';
import type { ListOptions } from './listing.ts';

/** How a file is sent: options of the plugin, and of one reply. */
export interface ReplyFileOptions extends Omit<ChosenFileOptions, 'root'> {
  /** Adds Content-Type. Default true. */
  readonly contentType?: boolean | undefined;
  /** Another directory than that of the plugin, for this reply. */
  readonly root?: string | URL | readonly (string | URL)[] | undefined;
  /** Told of a file before it is sent; what it throws goes to the error handler. */
  onFile?(path: string, file: SentFile): unknown;
  /** Also takes files whose names begin with a dot for routes (with `wildcard: false`). */
  readonly serveDotFiles?: boolean | undefined;
  /** Sends forms in a content coding. Default true: false for none. `encodings` says the same. */
  readonly preCompressed?: boolean | undefined;
}

/** Options of the plugin: those of @fastify/static, and where files are kept. */
export interface FastifyStaticOptions extends ReplyFileOptions, SetsHeaders<Reply> {
  /** Below which path. Default '/'. Parameters may be in it. */
  readonly prefix?: string | undefined;
  /** Takes the prefix as it is, without a slash at its end. Default false. */
  readonly prefixAvoidTrailingSlash?: boolean | undefined;
  /** False: no routes, only `reply.sendFile` and `reply.download`. Default true. */
  readonly serve?: boolean | undefined;
  /** False where another registration has decorated replies. Default true. */
  readonly decorateReply?: boolean | undefined;
  /** False: a route for each file that is there now. Default true: one for all. */
  readonly wildcard?: boolean | undefined;
  /** Globs of files that are to have no route (with `wildcard: false`). */
  readonly globIgnore?: readonly string[] | undefined;
  /** Redirects a directory's name without the slash at its end. Default false: it means the same. */
  readonly redirect?: boolean | undefined;
  /** Lists directories. Default false. */
  readonly list?: boolean | ListOptions | undefined;
  /** Whether a path may be served; otherwise it is as if it were not there. */
  allowedPath?(path: string, root: string | undefined, request: Request): boolean;
  /** Of the routes. */
  readonly constraints?: unknown;
  /** Of the routes. */
  readonly logLevel?: unknown;
  /** Leaves the routes out of descriptions. Default true. */
  readonly schemaHide?: boolean | undefined;
  /** No warning where a root is not there yet. */
  readonly suppressWarning?: boolean | undefined;
}

/** All that is understood: another name may be somebody's guard, and is refused. */
const NAMES: ReadonlySet<string> = new Set<keyof FastifyStaticOptions | 'logSerializers'>([
  ...(['acceptRanges', 'allowedPath', 'cache', 'cacheControl', 'constraints', 'contentType'] as const),
  ...(['decorateReply', 'dotfiles', 'encodings', 'etag', 'extensions', 'globIgnore', 'immutable'] as const),
  ...(['index', 'lastModified', 'list', 'logLevel', 'logSerializers', 'maxAge', 'maxage', 'onFile'] as const),
  ...(['preCompressed', 'prefix', 'prefixAvoidTrailingSlash', 'redirect', 'root', 'schemaHide'] as const),
  ...(['serve', 'serveDotFiles', 'setHeaders', 'suppressWarning', 'symlinks', 'wildcard'] as const),
]);

const FUNCTIONS = ['setHeaders', 'allowedPath', 'onFile'] as const;

/**
 * Checks the plugin's options.
 * @returns the roots, absolute; undefined where there is none
 * @throws ERR_IOLITE_ARGUMENT
 */
export function checkPlugin(instance: Instance, options: FastifyStaticOptions): string[] | undefined {
  for (const name of Object.keys(options)) {
    if (!NAMES.has(name)) throw wrong(name, `an option that is known is wanted, '${name}' was given`);
  }
  for (const name of FUNCTIONS) {
    const given = options[name];
    if ((given ?? undefined) !== undefined && typeof given !== 'function') {
      throw wrong(name, `a function is wanted, ${describe(given)} was given`);
    }
  }
  const { root, serve, wildcard, list, suppressWarning } = options;
  if (wildcard !== undefined && typeof wildcard !== 'boolean') {
    throw wrong('wildcard', `true or false is wanted, ${describe(wildcard)} was given`);
  }
  if (root === undefined && serve === false) return undefined;
  const roots = rootsOf(root) ?? [];
  if (roots.length === 0) throw wrong('root', `a directory is wanted, ${describe(root)} was given`);
  if (new Set(roots).size < roots.length) throw wrong('root', 'a directory was given twice');
  for (const each of roots) checkRoot(instance, each, suppressWarning === true);
  if (list) checkList(list, Array.isArray(root));
  return roots;
}

/** Directories as absolute paths. @throws ERR_IOLITE_ARGUMENT */
export function rootsOf(root: ReplyFileOptions['root']): string[] | undefined {
  if (root === undefined) return undefined;
  return (Array.isArray(root) ? root : [root]).map(each => {
    if (each instanceof URL && each.protocol === 'file:') return fileURLToPath(each);
    if (typeof each === 'string' && each !== '') return resolve(each);
    throw wrong('root', `a path or a URL of a directory is wanted, ${describe(each)} was given`);
  });
}

function checkRoot({ log }: Instance, root: string, isQuiet: boolean): void {
  const found = statSync(root, { throwIfNoEntry: false });
  if (found === undefined) {
    if (!isQuiet) log.warn(`"root" path "${root}" must exist`);
  } else if (!found.isDirectory()) {
    throw wrong('root', `a directory is wanted, a file was given`);
  }
}

function checkList(list: true | ListOptions, hasRoots: boolean): void {
  if (hasRoots) throw wrong('list', 'one root is wanted, several were given');
  if (list === true) return;
  const { format, names, jsonFormat, render } = list;
  if (format !== undefined && format !== 'json' && format !== 'html') {
    throw wrong('list.format', `json or html is wanted, ${describe(format)} was given`);
  }
  if (names !== undefined && !Array.isArray(names)) {
    throw wrong('list.names', `an array is wanted, ${describe(names)} was given`);
  }
  if (jsonFormat !== undefined && jsonFormat !== 'names' && jsonFormat !== 'extended') {
    throw wrong('list.jsonFormat', `names or extended is wanted, ${describe(jsonFormat)} was given`);
  }
  if (format === 'html' && typeof render !== 'function') {
    throw wrong('list.render', `a function is wanted, ${describe(render)} was given`);
  }
}

function wrong(name: string, what: string): ArgumentError {
  return new ArgumentError(`Cannot use ${name}: ${what}`);
}
