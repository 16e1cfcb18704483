import type { AddressInfo } from 'node:net';
import { complaintLine } from '../../base/complaint.ts';
import { ArgumentError, checkOptionNames, optionNames } from '../../base/error.ts';
import type { CacheView } from '../../file/cache/cache-view.ts';
import type { FileCache } from '../../file/cache/file-cache.ts';
import { createFileCache, OwnedFileCache } from '../../file/cache/owned-cache.ts';
import type { SecureSettings } from '../../network/tls/secure-settings.ts';
import { TicketKeyRing } from '../../network/tls/ticket-key-ring.ts';
import { AppGateway, type AppGatewayOptions } from '../app/server-side/app-gateway.ts';
import { AppProcesses, type AppProcessesOptions, appNameOf } from '../app/server-side/app-processes.ts';
import { FastCgiGateway } from '../fastcgi/fastcgi-gateway.ts';
import type { FastCgiOptions } from '../fastcgi/fastcgi-options.ts';
import { SentFiles } from '../fastcgi/sent-files.ts';
import type { AnswerListener } from '../message/answer-report.ts';
import type { Handler, ServerRequest } from '../message/exchange.ts';
import { type AnswerFunction, handlerOf } from '../message/promised-answer.ts';
import { createProxy, type ReverseProxy } from '../proxy/proxy.ts';
import type { ProxyOptions } from '../proxy/proxy-options.ts';
import type { CorsOptions } from '../rules/cors.ts';
import type { Rule } from '../rules/rule.ts';
import type { SiteOptions } from '../site/site-options.ts';
import type { AccessLog } from './access-log.ts';
import { type AppView, appViewOptions, type ViewedRule } from './app-view.ts';
import { type ContentRule, composeContent, type HostParts } from './compose.ts';
import { createListener } from './create-listener.ts';
import { withHsts } from './hsts.ts';
import type { ServerLimits } from './http-server.ts';
import { HttpsRedirect } from './https-redirect.ts';
import type { Listener, UnixAddress } from './listener.ts';
import { type HostTlsOptions, secureSettings, type TlsOptions } from './tls-options.ts';

/** An application, its processes, and the bounds on what is asked of it. */
export interface AppOptions extends AppProcessesOptions, AppGatewayOptions {}

/** A rule for paths, and who answers by it, if that is not who answers anyway. */
export interface ServerRule extends Rule {
  /** Answers by this rule, behind the files of the rule if there are any. */
  readonly handler?: Handler | AnswerFunction | undefined;
  /** A directory of its own. */
  readonly root?: string | undefined;
  /** How files are served by this rule. Without a directory of its own, those of the server's. */
  readonly site?: SiteOptions | undefined;
  /** A server behind this one. */
  readonly origin?: string | URL | ProxyOptions | undefined;
}

/** What is served for some paths, or for some hosts. */
export interface HostOptions {
  /**
   * A directory whose files are served. Other requests go to the application or the origin, if there is one.
   */
  readonly root?: string | undefined;
  /** How they are served. */
  readonly site?: SiteOptions | undefined;
  /** A server behind this one: its URL, or more on how it is asked and what is kept of its responses. */
  readonly origin?: string | URL | ProxyOptions | undefined;
  /** Fields of all answers: of files and origins, of errors, redirects, and preflights. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Who may read answers from pages of other sites; true: all. Preflights are answered. */
  readonly cors?: CorsOptions | boolean | undefined;
  /** What holds for paths, in order. */
  readonly rules?: readonly ServerRule[] | undefined;
}

/** What is served for hosts of some name. */
export interface NamedHostOptions extends HostOptions {
  /** Certificates for its clients, in place of those of the server's that have its name. */
  readonly tls?: HostTlsOptions | undefined;
}

/**
 * What a server answers with. Who is asked first: the handler, the rules, the directory, the application or
 * the origin.
 */
export interface CreateServerOptions extends HostOptions {
  /** Asked before all others; a function leaves requests to them by an answer of undefined. */
  readonly handler?: Handler | AnswerFunction | undefined;
  /** Where they are kept. Default: a cache of the server's own, as createFileCache() makes it. */
  readonly cache?: FileCache | undefined;
  /** An application, in processes of its own; or a FastCGI responder. */
  readonly app?: AppOptions | FastCgiOptions | undefined;
  /** What is served in place of that for hosts: `example.com`, or `*.example.com` for all below it. */
  readonly hosts?: Readonly<Record<string, NamedHostOptions>> | undefined;
  /** Serves HTTPS, and HTTP/2 to clients that know it. */
  readonly tls?: TlsOptions | undefined;
  /** How long clients may take, and how much they may send. */
  readonly limits?: ServerLimits | undefined;
  /** Told what a handler throws, which is a bug of it. The client gets 500. */
  readonly failed?: ((error: unknown, request: ServerRequest) => void) | undefined;
  /** Gets an entry for every answer: see createAccessLog(). It stays the caller's, to reopen and to close. */
  readonly accessLog?: AccessLog | undefined;
  /** Told of every answer, for metrics say. */
  readonly listeners?: readonly AnswerListener[] | undefined;
}

const NAMES = optionNames<CreateServerOptions>({
  root: true,
  site: true,
  origin: true,
  headers: true,
  cors: true,
  rules: true,
  handler: true,
  cache: true,
  app: true,
  hosts: true,
  tls: true,
  limits: true,
  failed: true,
  accessLog: true,
  listeners: true,
});

/**
 * A server in this process: for several that share a port and a cache, there is `iolite serve`.
 * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE; what TLS says of a certificate or key
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { createServer } from 'iolite/http';
 *
 * await using server = createServer({ root: 'docs', site: { maxAge: '1 hour' } });
 * await server.listen(0, '127.0.0.1');
 * const response = await fetch(`http://127.0.0.1:${server.address()?.port}/server.md`);
 * assert.equal(response.status, 200);
 * assert.equal(response.headers.get('cache-control'), 'public, max-age=3600');
 * ```
 */
export function createServer(options: CreateServerOptions): Server {
  return new Server(options);
}

/** Files, an application or origin, and a handler behind a port. Use {@link createServer}. */
export class Server {
  readonly #listener: Listener;
  readonly #ownCache: FileCache | undefined;
  readonly #apps: AppProcesses | undefined;
  /** What the application may read of the cache. */
  readonly #appFiles: CacheView | undefined;
  readonly #gateway: AppGateway | FastCgiGateway | undefined;
  readonly #proxies: ReverseProxy[] = [];
  readonly #ticketKeys: TicketKeyRing | undefined;
  /** Where clients of plain HTTP are told to come by HTTPS. */
  readonly #redirect: { readonly listener: Listener; readonly port: number } | undefined;

  constructor(options: CreateServerOptions) {
    checkOptionNames(options, NAMES, 'create server');
    const { handler, root, cache, app, origin, tls, limits, failed } = options;
    const { accessLog, listeners = [], rules = [], hosts = {} } = options;
    const isEmpty = [handler, root, app, origin].every(each => each === undefined);
    if (isEmpty && rules.length === 0 && Object.keys(hosts).length === 0) {
      throw new ArgumentError(
        'Cannot create server: a handler, a root, an app or an origin is wanted, none was given',
      );
    }
    if (app !== undefined && origin !== undefined) {
      throw new ArgumentError('Cannot create server: an app or an origin is wanted, both were given');
    }
    if (cache === undefined && hasRoot(options)) this.#ownCache = createFileCache();
    const kept = cache ?? this.#ownCache;
    let gateway: AppGateway | FastCgiGateway | undefined;
    if (app !== undefined && 'fastcgi' in app) gateway = new FastCgiGateway({ root, ...app }, complainOf);
    else if (app !== undefined) {
      const made = new AppGateway({ ...app, name: appNameOf(app) });
      const view = appViewOf(options);
      if (view !== undefined && kept instanceof OwnedFileCache)
        this.#appFiles = kept.view(appViewOptions(view));
      this.#apps = new AppProcesses(app, this.#appFiles);
      this.#apps.on('serving', address => void made.connect(address));
      gateway = made;
    }
    this.#gateway = gateway;
    const scripts = gateway instanceof FastCgiGateway ? gateway : undefined;
    const withholds = scripts?.isScript;
    const first = handler === undefined ? [] : [typeof handler === 'function' ? handlerOf(handler) : handler];
    const content = composeContent({
      ...this.#partsOf(options, tls, kept, gateway),
      first,
      failed,
      withholds,
      hosts: new Map(Object.entries(hosts).map(([name, each]) => [name, this.#partsOf(each, tls, kept)])),
    });
    scripts?.redirectsTo(content);
    const view = appViewOf(options);
    if (view !== undefined && kept !== undefined && scripts !== undefined) {
      scripts.sends(new SentFiles(appViewOptions(view), { ...options.site, cache: kept, withholds }));
    }
    const told = accessLog === undefined ? listeners : [...listeners, accessLog];
    const secure = settingsOf(options);
    const common = { limits, failed, listeners: told };
    this.#listener = createListener({ ...common, handler: content, tls: secure });
    if (secure?.ticketKeys.length === 0) {
      this.#ticketKeys = new TicketKeyRing(keys => this.#listener.setTicketKeys(keys));
      this.#listener.setTicketKeys(this.#ticketKeys.keys);
    }
    if (tls?.redirect === undefined) return;
    const redirect = new HttpsRedirect(() => this.address()?.port ?? 0);
    const listener = createListener({ ...common, handler: redirect });
    this.#redirect = { listener, port: tls.redirect };
  }

  /**
   * Starts the application, if there is one, and listens.
   * @param port 0 for any that is free; or the path of a Unix socket, and who may connect
   * @param host default: all addresses of this machine
   * @throws SystemError, EADDRINUSE for one; ERR_IOLITE_PEER when no application process starts
   */
  async listen(port: number | UnixAddress, host?: string): Promise<void> {
    if (this.#apps !== undefined) await started(this.#apps);
    const address = typeof port === 'number' ? { port } : port;
    await this.#listener.listen(host === undefined ? address : { ...address, host });
    const { listener, port: plain } = this.#redirect ?? {};
    if (plain !== undefined)
      await listener?.listen(host === undefined ? { port: plain } : { port: plain, host });
  }

  /** Where it listens; null when it does not, and on a Unix socket. */
  address(): AddressInfo | null {
    return this.#listener.address();
  }

  /** Where clients of plain HTTP are told to come by HTTPS; null where they are not. */
  redirectAddress(): AddressInfo | null {
    return this.#redirect?.listener.address() ?? null;
  }

  /** The processes of the application. */
  get apps(): AppProcesses | undefined {
    return this.#apps;
  }

  /** Lets responses finish; then ends the application, and gives back what it keeps. */
  async close(): Promise<void> {
    this.#ticketKeys?.[Symbol.dispose]();
    await Promise.all([this.#listener.close(), this.#redirect?.listener.close()]);
    this.#gateway?.close();
    await this.#apps?.close();
    this.#appFiles?.close();
    await Promise.all(this.#proxies.map(proxy => proxy.close()));
    this.#ownCache?.close();
  }

  /** For `await using`: see {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #partsOf(
    options: HostOptions,
    tls: TlsOptions | undefined,
    cache: FileCache | undefined,
    gateway?: Handler,
  ): HostParts {
    const { root, site = {}, origin, headers, cors, rules = [] } = options;
    return {
      files: root === undefined || cache === undefined ? undefined : { root, site, cache },
      behind: gateway ?? this.#proxyOf(origin),
      headers: withHsts(headers, tls?.hsts),
      cors,
      rules: rules.map(rule => this.#contentRule(rule, options, cache)),
    };
  }

  #contentRule(rule: ServerRule, options: HostOptions, cache: FileCache | undefined): ContentRule {
    const { handler, root, site, origin, ...said } = rule;
    const hasFiles = root !== undefined || (site !== undefined && options.root !== undefined);
    const files =
      hasFiles && cache !== undefined
        ? { root: (root ?? options.root) as string, site: { ...options.site, ...site }, cache }
        : undefined;
    const own = typeof handler === 'function' ? handlerOf(handler) : handler;
    return { ...said, files, behind: own ?? this.#proxyOf(origin) };
  }

  #proxyOf(origin: string | URL | ProxyOptions | undefined): ReverseProxy | undefined {
    if (origin === undefined) return undefined;
    const proxy = createProxy(typeof origin === 'string' || origin instanceof URL ? { origin } : origin);
    this.#proxies.push(proxy);
    return proxy;
  }
}

/** What the application may read; undefined without files. */
function appViewOf({ root, site = {}, rules = [] }: CreateServerOptions): AppView | undefined {
  if (root === undefined) return undefined;
  const viewed = rules.map(({ handler, root: own, site: more, origin, ...rule }): ViewedRule => {
    const isOfFiles = own !== undefined || more !== undefined;
    const others = handler !== undefined || origin !== undefined ? 'others' : undefined;
    return { ...rule, by: isOfFiles ? { root: own ?? root, site: { ...site, ...more } } : others };
  });
  return { root, site, rules: viewed, strip: '' };
}

function complainOf(text: string, { method, target }: ServerRequest): void {
  process.stderr.write(complaintLine('text', `${method} ${target}: ${text}`));
}

function settingsOf({ tls, hosts = {} }: CreateServerOptions): SecureSettings | undefined {
  const own = Object.entries(hosts).flatMap(([name, each]) =>
    each.tls === undefined ? [] : ([[name, each.tls]] as const),
  );
  if (tls !== undefined) return secureSettings(tls, new Map(own));
  const [first] = own;
  if (first === undefined) return undefined;
  throw new ArgumentError(`Cannot create server: tls is wanted besides that of ${first[0]}, none was given`);
}

function hasRoot({ root, rules = [], hosts = {} }: CreateServerOptions): boolean {
  return [{ root, rules }, ...Object.values(hosts)].some(
    each => each.root !== undefined || each.rules?.some(rule => rule.root !== undefined) === true,
  );
}

/** Starts an application's processes. @throws ERR_IOLITE_PEER when none comes up */
async function started(apps: AppProcesses): Promise<void> {
  let trouble: Error | undefined;
  const failing = (error: Error): void => {
    trouble = error;
  };
  apps.once('failing', failing);
  await apps.start();
  apps.off('failing', failing);
  if (trouble === undefined) return;
  await apps.close();
  throw trouble;
}
