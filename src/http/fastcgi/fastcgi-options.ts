import { MAX_TIMEOUT_MS } from '../../base/deadlines.ts';
import { ArgumentError, checkInteger, describe } from '../../base/error.ts';
import type { ScriptOptions } from './script-finder.ts';
import { troubleOfSplit } from './script-names.ts';

/** A FastCGI responder (PHP-FPM, say), which answers in place of an application of ours. */
export interface FastCgiOptions extends Omit<ScriptOptions, 'root'> {
  /** The directory of the scripts. Default: the one whose files are served. */
  readonly root?: string | undefined;
  /** Where it listens: `unix:/run/php/php-fpm.sock`, `tcp:127.0.0.1:9000` or `127.0.0.1:9000`. */
  readonly fastcgi: string;
  /** Variables that scripts get besides, or in place of others. */
  readonly params?: Readonly<Record<string, string>> | undefined;
  /** Connections at a time, from this process. Default 8; more requests wait. */
  readonly connections?: number | undefined;
  /** Milliseconds that a connection is kept without a request. Default 250; 0: none is kept. */
  readonly idleTimeout?: number | undefined;
  /** Milliseconds until it is connected, 504 afterwards. Default 5,000. */
  readonly connectTimeout?: number | undefined;
  /** Milliseconds until the head of the response is there, 504 afterwards. Default 30,000. */
  readonly timeout?: number | undefined;
  /** Milliseconds between two pieces of the response's body. Default 60,000. */
  readonly bodyTimeout?: number | undefined;
  /** Milliseconds that a request waits for a connection, 503 afterwards. Default: as `timeout`. */
  readonly queueTimeout?: number | undefined;
  /** Requests that may wait, 503 beyond. Default 1024. */
  readonly maxQueue?: number | undefined;
  /** Bytes of a request's body, 413 beyond. Default 16 MiB. */
  readonly maxBodyBytes?: number | undefined;
}

/** Bounds, all said. */
export interface FastCgiLimits {
  readonly connections: number;
  readonly idleTimeout: number;
  readonly connectTimeout: number;
  readonly timeout: number;
  readonly bodyTimeout: number;
  readonly queueTimeout: number;
  readonly maxQueue: number;
  readonly maxBodyBytes: number;
}

/** Where a responder listens, as node:net takes it. */
export type FastCgiAddress = { readonly path: string } | { readonly host: string; readonly port: number };

const TCP = /^(?:tcp:(?:\/\/)?)?(\[[0-9a-f:.]+\]|[\w.-]+):(\d{1,5})$/i;

/** @returns undefined for what is none */
export function fastCgiAddressOf(text: string): FastCgiAddress | undefined {
  if (/^unix:\/./.test(text) && !text.includes('\0')) return { path: text.slice('unix:'.length) };
  const [, host = '', port = ''] = TCP.exec(text) ?? [];
  if (host === '' || Number(port) < 1 || Number(port) > 0xffff) return undefined;
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
export function limitsOf(options: FastCgiOptions): FastCgiLimits {
  const { fastcgi, split } = options;
  const { connections = 8, idleTimeout = 250, connectTimeout = 5000, timeout = 30_000 } = options;
  const { bodyTimeout = 60_000, queueTimeout = timeout, maxQueue = 1024 } = options;
  const { maxBodyBytes = 16 * 1024 ** 2 } = options;
  if (typeof fastcgi !== 'string' || fastCgiAddressOf(fastcgi) === undefined) {
    throw new ArgumentError(
      `Cannot use fastcgi: unix:/path or host:port is wanted, ${describe(fastcgi)} was given`,
    );
  }
  const trouble = split === undefined ? undefined : troubleOfSplit(split);
  if (trouble !== undefined) throw new ArgumentError(`Cannot use split: ${trouble}`);
  checkInteger(connections, 'connections', 1, 2 ** 16);
  checkInteger(idleTimeout, 'idleTimeout', 0, MAX_TIMEOUT_MS);
  checkInteger(connectTimeout, 'connectTimeout', 1, MAX_TIMEOUT_MS);
  checkInteger(timeout, 'timeout', 1, MAX_TIMEOUT_MS);
  checkInteger(bodyTimeout, 'bodyTimeout', 1, MAX_TIMEOUT_MS);
  checkInteger(queueTimeout, 'queueTimeout', 1, MAX_TIMEOUT_MS);
  checkInteger(maxQueue, 'maxQueue', 0, 2 ** 20);
  checkInteger(maxBodyBytes, 'maxBodyBytes', 0, Number.MAX_SAFE_INTEGER);
  return {
    connections,
    idleTimeout,
    connectTimeout,
    timeout,
    bodyTimeout,
    queueTimeout,
    maxQueue,
    maxBodyBytes,
  };
}
