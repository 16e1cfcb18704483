import type { AddressInfo } from 'node:net';
import type { AnswerListener } from '../message/answer-report.ts';
import type { Handler, ServerRequest } from '../message/exchange.ts';

/** A Unix socket to listen on. */
export interface UnixAddress {
  /**
   * Of the file, which goes with the server. One that nobody listens on is replaced. '@' and a name for an
   * abstract one.
   */
  readonly path: string;
  /** Permissions of the file: who may write it may connect. Default 0o660. */
  readonly mode?: number | undefined;
}

/** Where to listen: on an address, or on a socket that listens already, which is closed with the server. */
export type ListenAddress =
  | {
      /** 0: one that is free. */
      readonly port: number;
      /** Default: all addresses of this machine. */
      readonly host?: string;
    }
  | {
      /** The descriptor of the socket. */
      readonly fd: number;
    }
  | UnixAddress;

/** What is the same for all protocols. */
export interface ListenerOptions {
  /** Answers the requests; those it declines get 404. */
  readonly handler: Handler;
  /** Told what a handler failed with, which is a bug of it. The client gets 500. */
  readonly failed?: ((error: unknown, request: ServerRequest) => void) | undefined;
  /** Told of every answer. */
  readonly listeners?: readonly AnswerListener[] | undefined;
}

/** What accepts connections, has their requests answered by a handler, and comes to an end in good order. */
export interface Listener extends AsyncDisposable {
  /** Resolves when connections are accepted. @throws SystemError, EADDRINUSE for one; ERR_IOLITE_CLOSED */
  listen(address: ListenAddress): Promise<void>;
  /** Where it listens; null when it does not, and on a Unix socket. */
  address(): AddressInfo | null;
  /**
   * Changes the keys of session tickets for connections from now on. Without TLS it does nothing.
   * @param keys see SecureSettings.ticketKeys
   */
  setTicketKeys(keys: readonly string[]): void;
  /**
   * Accepts no more connections, lets responses finish, and closes connections as they become free.
   * @param options `patience`: milliseconds for which idle connections may bring another request. Default 0:
   *   also a close that is under way waits for them no longer
   */
  close(options?: { readonly patience?: number }): Promise<void>;
}
