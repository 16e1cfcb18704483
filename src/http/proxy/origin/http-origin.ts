import { MAX_TIMEOUT_MS } from '../../../base/deadlines.ts';
import { ArgumentError, checkInteger, describe, IoliteError } from '../../../base/error.ts';
import { ExchangeTimes, type TimeLimits } from './exchange-times.ts';
import { sendObserved } from './fetch-events.ts';
import { HttpExchange } from './http-exchange.ts';
import type { Exchange, Origin, OriginRequest, Receive } from './origin.ts';
import { OriginConnections } from './origin-connections.ts';
import { OriginPlaces, type PlaceLimits } from './origin-places.ts';

/** Bounds on the origin. */
export interface OriginLimits extends PlaceLimits, TimeLimits {
  /** Told, at most once in ten seconds, that requests are refused. Default: a warning of the process. */
  readonly complain?: ((message: string) => void) | undefined;
}

/** A server behind the proxy, and the connections to it. */
export class HttpOrigin implements Origin {
  /** Scheme, host and port. */
  readonly url: string;
  readonly places: OriginPlaces;
  readonly #connections: OriginConnections;
  readonly #times: ExchangeTimes;

  /** @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
  constructor(url: string | URL, limits: OriginLimits = {}) {
    this.url = originOf(url);
    const { connectTimeout = 10_000, complain = (message: string) => process.emitWarning(message) } = limits;
    checkInteger(connectTimeout, 'connectTimeout', 0, MAX_TIMEOUT_MS);
    this.places = new OriginPlaces(limits, complain);
    this.#times = new ExchangeTimes(limits, this.places.longAfter);
    this.#connections = new OriginConnections(this.url, connectTimeout);
  }

  /**
   * Sends a request, when there is a place for it. One that changes nothing is sent again, once, if the
   * connection was closed before anything came back.
   */
  send<T>(request: OriginRequest, receive: Receive<T>): Exchange<T> {
    return sendObserved(this.url, { request, receive }, (seen, receiving) => {
      const { places } = this;
      const context = { connections: this.#connections, places, times: this.#times };
      const exchange = new HttpExchange(context, seen, receiving);
      exchange.enter();
      return exchange;
    });
  }

  /** Ends the connections; what is under way fails. */
  async close(): Promise<void> {
    this.places.close(new IoliteError('ERR_IOLITE_CLOSED', 'Cannot ask the origin: the proxy is closed'));
    this.#times.end();
    await this.#connections.destroy();
  }
}

function originOf(url: unknown): string {
  if ((typeof url === 'string' || url instanceof URL) && URL.canParse(String(url))) {
    const { protocol, origin, pathname, search, username, hash } = new URL(String(url));
    const isOrigin = pathname === '/' && search === '' && username === '' && hash === '';
    if (isOrigin && (protocol === 'http:' || protocol === 'https:')) return origin;
  }
  throw new ArgumentError(
    `Cannot use origin: a URL of http or https without a path is wanted, ${describe(url)} was given`,
  );
}
