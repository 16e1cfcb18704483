import { eventChannel, type ProxyFetchEvent } from '../../../observe/events.ts';
import { fieldOf, type HeaderList, without } from '../../message/header-list.ts';
import type { Exchange, OriginRequest, Receive } from './origin.ts';

const fetchStart = eventChannel('iolite:proxy:fetch:start');
const fetchFinish = eventChannel('iolite:proxy:fetch:finish');

/**
 * Sends a request so that whoever watches what is asked of origins sees it, and may have it sent otherwise.
 * @param origin its URL
 */
export function sendObserved<T>(
  origin: string,
  { request, receive }: { readonly request: OriginRequest; readonly receive: Receive<T> },
  send: (request: OriginRequest, receive: Receive<T>) => Exchange<T>,
): Exchange<T> {
  if (!fetchStart.hasSubscribers && !fetchFinish.hasSubscribers) return send(request, receive);
  const observed = new ObservedFetch(origin, request);
  const exchange = send(observed.start(request), observed.receiving(receive));
  observed.finishWith(exchange.received);
  return exchange;
}

/** A request to an origin that somebody watches, until the head of its response has come. */
class ObservedFetch implements ProxyFetchEvent {
  readonly origin: string;
  readonly method: string;
  readonly path: string;
  status: number | undefined;
  duration = 0;
  error: unknown;
  headers: HeaderList;
  readonly #since = performance.now();

  constructor(origin: string, { method, path, headers }: OriginRequest) {
    this.origin = origin;
    this.method = method;
    this.path = path;
    this.headers = headers;
  }

  header(name: string): string | undefined {
    return fieldOf(this.headers, name);
  }

  setHeader(name: string, value: string): void {
    this.headers = [...without(this.headers, new Set([name.toLowerCase()])), name, value];
  }

  /** @returns the request as it is to be sent */
  start(request: OriginRequest): OriginRequest {
    fetchStart.publish(this);
    return { ...request, headers: this.headers };
  }

  /** The same, and takes down the status. */
  receiving<T>(receive: Receive<T>): Receive<T> {
    return (head, body) => {
      this.status = head.status;
      return receive(head, body);
    };
  }

  /** Tells when the head has come, or that none will. */
  finishWith(received: Promise<unknown>): void {
    received.then(
      () => this.#finish(),
      error => {
        this.error = error;
        this.#finish();
      },
    );
  }

  #finish(): void {
    this.duration = performance.now() - this.#since;
    fetchFinish.publish(this);
  }
}
