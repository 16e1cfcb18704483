import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { NodeRequest } from '../node/node-adapter.ts';
import type { NodeResponse } from '../node/response-way.ts';

/** A request that is not answered yet. */
interface Unanswered {
  readonly message: NodeRequest;
  readonly response: NodeResponse;
  readonly answered: Promise<void>;
}

/** Methods that change nothing (RFC 9110, 9.2.1). */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/**
 * The requests of each connection that are not answered yet. Those of HTTP/1.1 that came one behind the other
 * are answered beside each other only if all of them change nothing (RFC 9112, 9.3.2).
 */
export class Pipelines {
  readonly #connections = new WeakMap<Socket | ServerHttp2Session, Set<Unanswered>>();

  /** A request came. @returns when its turn comes, if that is not now */
  enter(message: NodeRequest, response: NodeResponse): Promise<void> | undefined {
    const connection = 'stream' in message ? message.stream.session : message.socket;
    if (connection === undefined) return undefined;
    const before = this.#unanswered(connection as Socket | ServerHttp2Session);
    const turn = 'stream' in message ? undefined : turnBehind(message, before);
    const answered = new Promise<void>(resolve => response.once('close', resolve));
    const entry = { message, response, answered };
    before.add(entry);
    void answered.then(() => before.delete(entry));
    return turn;
  }

  /** Waits for the answers to all that came on a connection. @returns undefined if none is to come */
  allAnswered(connection: Socket): Promise<unknown> | undefined {
    const before = this.#connections.get(connection);
    if (before === undefined || before.size === 0) return undefined;
    return Promise.all([...before].map(({ answered }) => answered));
  }

  /** The request whose body is still to come, and its response, if there is one. */
  incomplete(connection: Socket): { readonly response: ServerResponse } | undefined {
    for (const { message, response } of this.#connections.get(connection) ?? []) {
      if (!(message as IncomingMessage).complete) return { response: response as ServerResponse };
    }
    return undefined;
  }

  /** Whether nothing moves on a connection as a handler is waited for, and not the client. */
  waitsForHandler(connection: Socket | ServerHttp2Session): boolean {
    for (const { message, response } of this.#connections.get(connection) ?? []) {
      const unsent =
        'stream' in response ? response.stream.writableLength : (connection as Socket).writableLength;
      if (message.complete && !response.writableEnded && unsent === 0) return true;
    }
    return false;
  }

  #unanswered(connection: Socket | ServerHttp2Session): Set<Unanswered> {
    let before = this.#connections.get(connection);
    if (before === undefined) {
      before = new Set();
      this.#connections.set(connection, before);
    }
    return before;
  }
}

function turnBehind(message: NodeRequest, before: ReadonlySet<Unanswered>): Promise<void> | undefined {
  if (before.size === 0) return undefined;
  const earlier = [...before];
  if (isSafe(message) && earlier.every(({ message: each }) => isSafe(each))) return undefined;
  return Promise.all(earlier.map(({ answered }) => answered)).then(() => {});
}

function isSafe({ method, headers }: NodeRequest): boolean {
  return SAFE.has(method ?? '') && headers.upgrade === undefined;
}
