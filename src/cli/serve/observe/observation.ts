import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openUnixListener } from '../../../os/listen/unix-listener.ts';
import { complain } from '../../complain.ts';
import { UserError } from '../../user-error.ts';
import { HEALTH, READY } from './health-pages.ts';
import type { ObservationAddress } from './observation-address.ts';
import { OwnNames } from './own-names.ts';

const METRICS = '/metrics';
const TEXT = 'text/plain; charset=utf-8';
/** A scrape is one request: what holds a connection longer is not one. */
const REQUEST_LIMIT_MS = 10_000;

/** What is shown there. */
export interface Observed {
  /** In Prometheus' text format. */
  metrics(): Promise<string>;
  /** Whether requests should be sent here. */
  isReady(): boolean;
}

/** A server of its own for who watches this one: metrics, health. In the primary, apart from all clients. */
export class Observation {
  /** Where it listens, as a URL without a path; empty before. */
  at = '';
  readonly #server: Server;
  #leave: () => void = () => {};
  /** Undefined for a socket that no browser reaches. */
  #names: OwnNames | undefined;

  constructor(observed: Observed) {
    this.#server = createServer((request, response) => {
      this.#answer(observed, request, response).catch(error => {
        complain('Cannot show metrics', error);
        respond(response, 500, 'Internal Server Error\n');
      });
    });
    this.#server.requestTimeout = REQUEST_LIMIT_MS;
    // Where nothing is served nothing is to be shown.
    this.#server.unref();
  }

  /** @throws UserError */
  async listen(address: ObservationAddress | { readonly fd: number }): Promise<void> {
    if ('path' in address) {
      const { fd, unlink } = await openUnixListener(address.path).catch(({ message }) => {
        throw new UserError(`Cannot show metrics at unix:${address.path}: ${message}`);
      });
      this.#leave = unlink;
      await this.#listen({ fd }, '');
      this.at = `unix:${address.path}`;
      return;
    }
    const place = 'fd' in address ? `descriptor ${address.fd}` : `${address.host} port ${address.port}`;
    await this.#listen('fd' in address ? { fd: address.fd } : address, place);
    const bound = this.#server.address();
    if (bound !== null && typeof bound === 'object')
      this.#names = new OwnNames(bound.address, 'host' in address ? [address.host] : []);
    this.at = urlOf(bound);
  }

  close(): void {
    this.#leave();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #listen(
    options: { readonly fd: number } | { readonly host: string; readonly port: number },
    place: string,
  ): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', ({ message }) => {
        reject(new UserError(`Cannot show metrics at ${place}: ${message}`));
      });
      this.#server.listen(options, resolve);
    });
  }

  async #answer(
    observed: Observed,
    { method, url = '', headers }: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const path = url.split('?', 1)[0];
    if (path !== METRICS && path !== HEALTH && path !== READY) return respond(response, 404, 'Not Found\n');
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return respond(response, 405, 'Method Not Allowed\n');
    }
    if (path === HEALTH) return respond(response, 200, 'healthy\n');
    if (path === READY) {
      return observed.isReady() ? respond(response, 200, 'ready\n') : respond(response, 503, 'not ready\n');
    }
    // Nobody asks for health by a name of ours alone, and it tells nothing.
    if (this.#names?.admits(headers.host) === false)
      return respond(response, 403, 'The name of another host leads here\n');
    const { contentType } = await import('../../../observe/registry.ts');
    respond(response, 200, await observed.metrics(), contentType);
  }
}

/** @param address null for that of a Unix socket that was passed, which Node.js does not tell */
function urlOf(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') return `unix:${address ?? ''}`;
  const { address: host, family, port } = address;
  return `http://${family === 'IPv6' ? `[${host}]` : host}:${port}`;
}

function respond(response: ServerResponse, status: number, text: string, type = TEXT): void {
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(text);
}
