import type { AddressInfo } from 'node:net';
import { ArgumentError } from '../../base/error.ts';
import type { FileCache } from '../../file/cache/file-cache.ts';
import { createFileCache } from '../../file/cache/owned-cache.ts';
import { AppGateway, type AppGatewayOptions } from '../app/server-side/app-gateway.ts';
import { AppProcesses, type AppProcessesOptions } from '../app/server-side/app-processes.ts';
import type { AnswerListener } from '../message/answer-report.ts';
import type { Handler, ServerRequest } from '../message/exchange.ts';
import { type AnswerFunction, handlerOf } from '../message/promised-answer.ts';
import { createProxy, type ProxyOptions, type ReverseProxy } from '../proxy/proxy.ts';
import type { SiteOptions } from '../site/site-options.ts';
import type { AccessLog } from './access-log.ts';
import { composeContent } from './compose.ts';
import { createListener } from './create-listener.ts';
import type { ServerLimits, TlsOptions } from './http-server.ts';
import type { Listener } from './listener.ts';

/** An application, its processes, and the bounds on what is asked of it. */
export interface AppOptions extends AppProcessesOptions, AppGatewayOptions {}

/**
 * What a server answers with. Who is asked first: the handler, the directory, the application or the origin.
 */
export interface CreateServerOptions {
  /** Asked before all others; a function leaves requests to them by an answer of undefined. */
  readonly handler?: Handler | AnswerFunction | undefined;
  /**
   * A directory whose files are served. Other requests go to the application or the origin, if there is one.
   */
  readonly root?: string | undefined;
  /** How they are served. */
  readonly site?: SiteOptions | undefined;
  /** Where they are kept. Default: a cache of the server's own, as createFileCache() makes it. */
  readonly cache?: FileCache | undefined;
  /** An application, in processes of its own. */
  readonly app?: AppOptions | undefined;
  /** A server behind this one: its URL, or more on how it is asked and what is kept of its responses. */
  readonly origin?: string | URL | ProxyOptions | undefined;
  readonly tls?: TlsOptions | undefined;
  readonly limits?: ServerLimits | undefined;
  /** Told what a handler throws, which is a bug of it. The client gets 500. */
  readonly failed?: ((error: unknown, request: ServerRequest) => void) | undefined;
  /** Gets an entry for every answer: see createAccessLog(). It stays the caller's, to reopen and to close. */
  readonly accessLog?: AccessLog | undefined;
  /** Told of every answer, for metrics say. */
  readonly listeners?: readonly AnswerListener[] | undefined;
}

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
  readonly #gateway: AppGateway | undefined;
  readonly #proxy: ReverseProxy | undefined;

  constructor(options: CreateServerOptions) {
    const { handler, root, site = {}, cache, app, origin, tls, limits, failed } = options;
    const { accessLog, listeners = [] } = options;
    if (handler === undefined && root === undefined && app === undefined && origin === undefined) {
      throw new ArgumentError(
        'Cannot create server: a handler, a root, an app or an origin is wanted, none was given',
      );
    }
    if (app !== undefined && origin !== undefined) {
      throw new ArgumentError('Cannot create server: an app or an origin is wanted, both were given');
    }
    let gateway: AppGateway | undefined;
    if (app !== undefined) {
      const made = new AppGateway(app);
      this.#apps = new AppProcesses(app);
      this.#apps.on('serving', address => void made.connect(address));
      gateway = made;
    }
    this.#gateway = gateway;
    if (origin !== undefined) {
      this.#proxy = createProxy(typeof origin === 'string' || origin instanceof URL ? { origin } : origin);
    }
    if (root !== undefined && cache === undefined) {
      this.#ownCache = createFileCache();
    }
    const kept = cache ?? this.#ownCache;
    const files = root === undefined || kept === undefined ? undefined : { root, site, cache: kept };
    const first = handler === undefined ? [] : [typeof handler === 'function' ? handlerOf(handler) : handler];
    const content = composeContent({ first, files, behind: gateway ?? this.#proxy });
    const told = accessLog === undefined ? listeners : [...listeners, accessLog];
    this.#listener = createListener({ handler: content, tls, limits, failed, listeners: told });
  }

  /**
   * Starts the application, if there is one, and listens.
   * @param port 0 for any that is free
   * @param host default: all addresses of this machine
   * @throws SystemError, EADDRINUSE for one; ERR_IOLITE_PEER when no application process starts
   */
  async listen(port: number, host?: string): Promise<void> {
    if (this.#apps !== undefined) await started(this.#apps);
    await this.#listener.listen(host === undefined ? { port } : { port, host });
  }

  /** Where it listens; null when it does not. */
  address(): AddressInfo | null {
    return this.#listener.address();
  }

  /** The processes of the application. */
  get apps(): AppProcesses | undefined {
    return this.#apps;
  }

  /** Lets responses finish; then ends the application, and gives back what it keeps. */
  async close(): Promise<void> {
    await this.#listener.close();
    this.#gateway?.close();
    await this.#apps?.close();
    await this.#proxy?.close();
    this.#ownCache?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
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
