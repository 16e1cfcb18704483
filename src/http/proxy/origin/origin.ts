import type { Duplex } from 'node:stream';
import type { Aggregate } from '../../../aggregate/aggregate.ts';
import type { HeaderList } from '../../message/header-list.ts';
import type { ReceivedBody } from './received-body.ts';

/** What is asked of an origin. */
export interface OriginRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: HeaderList;
  readonly body: AsyncIterable<Aggregate> | undefined;
  /** Protocols to go over to, which the origin may refuse with another response. */
  readonly upgrade?: string | undefined;
  /** Told of interim responses (1xx) that come before the response. */
  readonly interim?: ((status: number, headers: HeaderList) => void) | undefined;
}

/** What comes before the body. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: HeaderList;
  /** Milliseconds since the epoch. */
  readonly requestedAt: number;
  readonly receivedAt: number;
  /** By what it may be forgotten, as another machine tells it; missing where its fields say so. */
  readonly groups?: readonly string[] | undefined;
  /** Of a 101: the connection, which is the receiver's. */
  readonly socket?: Duplex | undefined;
}

/**
 * What is to become of a response. Called with its head before the first byte of the body is received, so
 * that it can be said where that goes.
 */
export type Receive<T> = (head: ResponseHead, body: ReceivedBody) => T;

/** A request to the origin. */
export interface Exchange<T> {
  /** What was made of the response; rejects as {@link Origin.send} says. */
  readonly received: Promise<T>;
  abort(): void;
}

/**
 * Whom a proxy asks for what it has not: a server behind it, mostly. What it says is put into a
 * {@link ReceivedBody}, of which the proxy says where it goes.
 */
export interface Origin {
  /** Scheme, host and port. */
  readonly url: string;
  /**
   * Sends a request. One that has no effect may be sent again if {@link IoliteError.mayRetry} says so, which
   * the origin sees to itself.
   * @returns at once. What it brings fails with ERR_IOLITE_ORIGIN when no response comes, or its body breaks
   *   off; ERR_IOLITE_TIMEOUT; ERR_IOLITE_BUSY when it waited in vain for its turn; ERR_IOLITE_ARGUMENT for a
   *   request that cannot be sent; ERR_IOLITE_PROTOCOL for what is no response; ERR_IOLITE_CLOSED; an
   *   AbortError when it was aborted
   */
  send<T>(request: OriginRequest, receive: Receive<T>): Exchange<T>;
  /** Ends the connections; what is under way fails. */
  close(): Promise<void>;
}
