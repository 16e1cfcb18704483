import { Agent, type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import { request as requestHttps, Agent as SecureAgent } from 'node:https';
import type { Readable } from 'node:stream';

/** What is asked. */
interface Asked {
  readonly path: string;
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Drops the connection when something has come. */
  readonly drops?: boolean;
}

/** What came, whole. */
export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A way to ask a server. */
export interface Lane {
  readonly name: string;
  /** @throws whatever broke off; the signal's reason */
  ask(asked: Asked, signal: AbortSignal): Promise<Answered>;
  close(): void;
}

const MAX_SOCKETS = 4;

/** HTTP/1.1, on connections that are kept. */
export function http1Lane(name: string, origin: string): Lane {
  const isSecure = origin.startsWith('https:');
  const agent = new (isSecure ? SecureAgent : Agent)({ keepAlive: true, maxSockets: MAX_SOCKETS });
  const send = isSecure ? requestHttps : requestHttp;
  return {
    name,
    close: () => agent.destroy(),
    ask: ({ path, method, headers = {}, body, drops }, signal) =>
      new Promise((resolve, reject) => {
        const options = { agent, method, headers, signal, rejectUnauthorized: false };
        const outgoing = send(origin + path, options, (incoming: IncomingMessage) => {
          if (drops === true) incoming.once('data', () => outgoing.destroy());
          bodyOf(incoming).then(
            whole => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: whole }),
            reject,
          );
        });
        outgoing.on('error', reject).end(body);
      }),
  };
}

/** HTTP/2, on one connection, which is made anew when it has gone. */
export function http2Lane(name: string, origin: string): Lane {
  let session: ClientHttp2Session | undefined;
  const opened = (): ClientHttp2Session => {
    if (session !== undefined && !session.closed && !session.destroyed) return session;
    session = connect(origin, { rejectUnauthorized: false }).on('error', () => {});
    return session;
  };
  return {
    name,
    close: () => session?.destroy(),
    ask: ({ path, method, headers = {}, body, drops }, signal) =>
      new Promise((resolve, reject) => {
        const fields = { ':path': path, ':method': method, ...headers };
        const stream = opened().request(fields, { signal, endStream: body === undefined });
        let head: IncomingHttpHeaders & { ':status'?: number | undefined } = {};
        stream.on('response', fields => {
          head = fields;
        });
        stream.on('error', reject);
        // Whoever reads it is told that it ended, also where it broke off; `aborted` says nothing of requests
        // that are written whole, and 'close' comes after the end.
        const checkEnd = (): void => {
          if (stream.rstCode !== 0) reject(new Error(`The stream was reset with ${stream.rstCode}`));
        };
        stream.on('close', checkEnd);
        if (drops === true) stream.once('data', () => session?.destroy(new Error('It was dropped')));
        bodyOf(stream).then(whole => {
          checkEnd();
          resolve({ status: head[':status'] ?? 0, headers: head, body: whole });
        }, reject);
        if (body !== undefined) stream.end(body);
      }),
  };
}

async function bodyOf(stream: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
