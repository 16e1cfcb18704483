import { IoliteError } from '../../../../base/error.ts';
import { ExchangeTimes } from '../exchange-times.ts';
import { sendObserved } from '../fetch-events.ts';
import type { OriginLimits } from '../http-origin.ts';
import type { Exchange, Origin, OriginRequest, Receive } from '../origin.ts';
import { OriginPlaces } from '../origin-places.ts';
import { type ConnectionHost, type PeerAddress, PeerConnection } from './peer-connection.ts';
import { type PeerContext, PeerExchange } from './peer-exchange.ts';

/**
 * Another machine of a cluster, which answers with contents by HTTP/1.1: GETs, as many at a time as there are
 * connections. It is iolite as well, so nothing is supported that it does not send, and what comes goes into
 * a pool: a tenth of what a client for all servers costs.
 */
export class PeerOrigin implements Origin, PeerContext, ConnectionHost {
  readonly url: string;
  readonly places: OriginPlaces;
  readonly times: ExchangeTimes;
  readonly #address: PeerAddress;
  readonly #connections = new Set<PeerConnection>();
  /** Those on which nothing is asked; what was used last is used next. */
  readonly #free: PeerConnection[] = [];

  /** @param url scheme (http), host and port @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
  constructor(url: string, limits: OriginLimits & { readonly connectTimeout: number }) {
    this.url = url;
    const { hostname, port } = new URL(url);
    const { connectTimeout, complain = (message: string) => process.emitWarning(message) } = limits;
    this.#address = { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || 80), connectTimeout };
    this.places = new OriginPlaces(limits, complain);
    this.times = new ExchangeTimes(limits, this.places.longAfter);
  }

  /** Sends a GET; of the request only its path and fields count. */
  send<T>(request: OriginRequest, receive: Receive<T>): Exchange<T> {
    return sendObserved(this.url, { request, receive }, (seen, receiving) => {
      const exchange = new PeerExchange(this, seen, receiving);
      exchange.enter();
      return exchange;
    });
  }

  async close(): Promise<void> {
    const error = new IoliteError('ERR_IOLITE_CLOSED', 'Cannot ask machine: the proxy is closed');
    this.places.close(error);
    for (const connection of this.#connections) connection.abandon(error);
    this.times.end();
  }

  connection(fresh: boolean): PeerConnection {
    const kept = fresh ? undefined : this.#free.pop();
    if (kept !== undefined) return kept;
    const made = new PeerConnection(this.#address, this);
    this.#connections.add(made);
    return made;
  }

  free(connection: PeerConnection): void {
    this.#free.push(connection);
  }

  gone(connection: PeerConnection): void {
    this.#connections.delete(connection);
    const index = this.#free.indexOf(connection);
    if (index !== -1) this.#free.splice(index, 1);
  }
}
