import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { dirname } from 'node:path';
import type { TestContext } from 'node:test';
import { createPool, type Pool } from '../../../src/aggregate/pool.ts';
import type { FileCache } from '../../../src/file/cache/file-cache.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { handle, serverRequest } from '../../../src/http/node/node-adapter.ts';
import { createSite, type StaticSite } from '../../../src/http/site/site.ts';
import type { SiteOptions } from '../../../src/http/site/site-options.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

/** What a client got. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export type Files = Readonly<Record<string, string | Buffer>>;

/** Writes files, with the folders they are in. */
export function writeFiles(folder: Folder, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(folder.file(name)), { recursive: true });
    writeFileSync(folder.file(name), content);
  }
}

/** A GET, or what is said, over a connection of its own; its target as it is. */
export async function get(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<Reply> {
  const sending = request({ port, host: '127.0.0.1', path, method, headers, agent: false });
  sending.end();
  const [response] = (await watchdog(once(sending, 'response'), path)) as [IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) };
}

/** The port of a server that is gone after the test. */
export async function listening(context: TestContext, listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Whatever the server answers to bytes, until it closes. */
export async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  const pieces: Buffer[] = [];
  const ended = (async () => {
    for await (const piece of socket) pieces.push(piece);
  })();
  await watchdog(ended, 'the end of the connection');
  return Buffer.concat(pieces).toString('latin1');
}

/** A site over a cache of its own, behind node:http. */
export class SiteServer {
  readonly folder = new Folder();
  readonly pool: Pool = createPool();
  readonly cache: FileCache;
  readonly site: StaticSite;
  readonly server: Server;

  private constructor(options: SiteOptions, wrap: (cache: FileCache) => FileCache, maxStale: number) {
    this.cache = wrap(createFileCache({ budget: 1 << 26, maxStale, pool: this.pool }));
    this.site = createSite(this.folder.path, { ...options, cache: this.cache });
    this.server = createServer((incoming, response) => {
      void handle(this.site, serverRequest(incoming, { response }), response).then(answered => {
        if (!answered) response.writeHead(404).end('nobody');
      });
    });
  }

  /** @param settings `wrap` puts something in front of the cache; `maxStale` is the cache's, default 0 */
  static async start(
    context: TestContext,
    files: Files,
    options: SiteOptions = {},
    settings: { wrap?: (cache: FileCache) => FileCache; maxStale?: number } = {},
  ): Promise<SiteServer> {
    const { wrap = cache => cache, maxStale = 0 } = settings;
    const site = new SiteServer(options, wrap, maxStale);
    writeFiles(site.folder, files);
    site.server.listen(0, '127.0.0.1');
    await once(site.server, 'listening');
    context.after(() => {
      site.server.closeAllConnections();
      site.server.close();
      site.cache.close();
      site.pool.close();
      site.folder[Symbol.dispose]();
    });
    return site;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Reply> {
    return get(this.port, path, headers, method);
  }

  /** Closes the cache: the pool is empty if nobody else holds anything. */
  async assertNothingHeld(): Promise<void> {
    this.cache.close();
    this.pool.close();
    // The last answer's release may be a turn behind what the client saw.
    for (let turn = 0; turn < 100 && this.pool.stats().chunks > 0; turn++) {
      await new Promise(resolve => setImmediate(resolve));
    }
    const { chunks } = this.pool.stats();
    if (chunks > 0) throw new Error(`${chunks} chunks are still held`);
  }
}
