import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { complain } from '../../complain.ts';
import { UserError } from '../../user-error.ts';
import { isLoopback, OwnNames } from '../observe/own-names.ts';
import { InspectorGuard, newInspectorToken } from './inspector-guard.ts';
import { fileQueryOf } from './inspector-queries.ts';
import type { InspectorReader } from './inspector-reader.ts';

/** A request here is short: what holds a connection longer is not one. */
const REQUEST_LIMIT_MS = 10_000;
const MAX_CONNECTIONS = 64;
const JSON_TYPE = 'application/json; charset=utf-8';

/** Nobody but the page itself may run, ask, frame or read anything here. */
const HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** The page, which is no secret: what it shows is. */
const PAGE: Readonly<Record<string, readonly [file: 'html' | 'script' | 'style', type: string]>> = {
  '/': ['html', 'text/html; charset=utf-8'],
  '/inspector.js': ['script', 'text/javascript; charset=utf-8'],
  '/inspector.css': ['style', 'text/css; charset=utf-8'],
};

/** Where an inspector listens, and who may look. */
export interface InspectorOptions {
  readonly host: string;
  readonly port: number;
  /** That who looks has to know. Default: one is made where other machines may reach us. */
  readonly token?: string | undefined;
  /** Whether another port will do where that is in use. */
  readonly mayMove: boolean;
}

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/**
 * A server of its own with a page that shows what the server does, live. In the primary, apart from all
 * clients. Nothing can be changed through it. Costs nothing as long as nobody looks.
 */
export class Inspector {
  /** Where it listens, as a URL, with a token that was made; empty before. */
  at = '';
  readonly #server: Server;
  readonly #reader: () => Promise<InspectorReader>;
  #guard = new InspectorGuard(newInspectorToken(), undefined);

  /** @param reader made when somebody looks first */
  constructor(reader: () => Promise<InspectorReader>) {
    this.#reader = reader;
    this.#server = createServer((request, response) => {
      this.#answer(request)
        .catch((error): Reply => {
          complain('Cannot inspect', error);
          return plain(500, 'Internal Server Error');
        })
        .then(reply => send(request, response, reply));
    });
    this.#server.requestTimeout = REQUEST_LIMIT_MS;
    this.#server.maxConnections = MAX_CONNECTIONS;
    // Where nothing is served nothing is to be shown.
    this.#server.unref();
  }

  /** @throws UserError */
  async listen({ host, port, token, mayMove }: InspectorOptions): Promise<void> {
    try {
      await this.#listenAt(host, port);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE' && mayMove) return this.listen({ host, port: 0, token, mayMove: false });
      throw new UserError(`Cannot show the inspector at ${host} port ${port}: ${message}`);
    }
    const { address, family, port: actual } = this.#server.address() as AddressInfo;
    const isOurs = isLoopback(address);
    const made = token === undefined && !isOurs ? newInspectorToken() : undefined;
    this.#guard = new InspectorGuard(token ?? made, new OwnNames(address, [host]));
    const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${actual}/`;
    this.at = made === undefined ? url : `${url}#token=${made}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #listenAt(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  async #answer({ method, url = '', headers }: IncomingMessage): Promise<Reply> {
    if (!this.#guard.admitsHost(headers.host)) return plain(403, 'The name of another host leads here');
    if (method !== 'GET' && method !== 'HEAD') return plain(405, 'Method Not Allowed');
    const { pathname, searchParams } = new URL(url.replace(/^\/+/, '/'), 'http://localhost');
    const page = PAGE[pathname];
    if (page !== undefined) {
      const [file, type] = page;
      const { PAGE_FILES } = await import('./page-files.ts');
      return { status: 200, type, body: PAGE_FILES[file] };
    }
    if (!this.#guard.admitsToken(headers.authorization)) return plain(401, 'The token is wanted');
    return this.#figures(pathname, searchParams);
  }

  async #figures(path: string, parameters: URLSearchParams): Promise<Reply> {
    if (path === '/status.json') return json(await (await this.#reader()).status());
    if (path === '/files.json') return json(await (await this.#reader()).files(fileQueryOf(parameters)));
    if (path !== '/file.json') return plain(404, 'Not Found');
    const file = await (await this.#reader()).file(parameters.get('path') ?? '');
    return file === undefined ? plain(404, 'Not in the cache') : json(file);
  }
}

function plain(status: number, text: string): Reply {
  return { status, type: 'text/plain; charset=utf-8', body: `${text}\n` };
}

function json(value: unknown): Reply {
  return { status: 200, type: JSON_TYPE, body: JSON.stringify(value) };
}

function send({ method }: IncomingMessage, response: ServerResponse, { status, type, body }: Reply): void {
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="iolite"');
  if (status === 405) response.setHeader('Allow', 'GET, HEAD');
  const length = Buffer.byteLength(body);
  response.writeHead(status, { ...HEADERS, 'Content-Type': type, 'Content-Length': length });
  response.end(method === 'HEAD' ? undefined : body);
}
