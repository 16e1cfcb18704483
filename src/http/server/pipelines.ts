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

/** What of a connection is not answered yet. */
interface Connection {
  readonly unanswered: Set<Unanswered>;
  /** How many of these change something. */
  unsafe: number;
  /**
   * When all that came so far is answered. Undefined as long as nobody has waited for that; while something
   * that changes anything is not answered each that comes waits, so that it is that of the last one.
   */
  all: Promise<unknown> | undefined;
}

/** Methods that change nothing (RFC 9110, 9.2.1). */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/**
 * The requests of each connection that are not answered yet. Those of HTTP/1.1 that came one behind the other
 * are answered beside each other only if all of them change nothing (RFC 9112, 9.3.2).
 */
export class Pipelines {
  readonly #connections = new WeakMap<Socket | ServerHttp2Session, Connection>();

  /** A request came. O(1), however many are not answered. @returns when its turn comes, if that is not now */
  enter(message: NodeRequest, response: NodeResponse): Promise<void> | undefined {
    const connection = 'stream' in message ? message.stream.session : message.socket;
    if (connection === undefined) return undefined;
    const state = this.#stateOf(connection as Socket | ServerHttp2Session);
    const isUnsafe = !('stream' in message) && !isSafe(message);
    const waits = state.unsafe > 0 || (isUnsafe && state.unanswered.size > 0);
    const turn = waits ? (state.all ?? answersTo(state.unanswered)).then(() => {}) : undefined;
    const answered = new Promise<void>(resolve => response.once('close', resolve));
    const entry = { message, response, answered };
    state.unanswered.add(entry);
    if (isUnsafe) state.unsafe += 1;
    if (waits) state.all = Promise.all([turn, answered]);
    void answered.then(() => {
      state.unanswered.delete(entry);
      if (!isUnsafe) return;
      state.unsafe -= 1;
      // What comes next need not wait, and so is not in it.
      if (state.unsafe === 0) state.all = undefined;
    });
    return turn;
  }

  /** Waits for the answers to all that came on a connection. @returns undefined if none is to come */
  allAnswered(connection: Socket): Promise<unknown> | undefined {
    const { unanswered } = this.#stateOf(connection);
    return unanswered.size === 0 ? undefined : answersTo(unanswered);
  }

  /** The request whose body is still to come, and its response, if there is one. */
  incomplete(connection: Socket): { readonly response: ServerResponse } | undefined {
    for (const { message, response } of this.#stateOf(connection).unanswered) {
      if (!(message as IncomingMessage).complete) return { response: response as ServerResponse };
    }
    return undefined;
  }

  /** Whether nothing moves on a connection as a handler is waited for, and not the client. */
  waitsForHandler(connection: Socket | ServerHttp2Session): boolean {
    for (const { message, response } of this.#stateOf(connection).unanswered) {
      const unsent =
        'stream' in response ? response.stream.writableLength : (connection as Socket).writableLength;
      if (message.complete && !response.writableEnded && unsent === 0) return true;
    }
    return false;
  }

  #stateOf(connection: Socket | ServerHttp2Session): Connection {
    let state = this.#connections.get(connection);
    if (state === undefined) {
      state = { unanswered: new Set(), unsafe: 0, all: undefined };
      this.#connections.set(connection, state);
    }
    return state;
  }
}

function answersTo(requests: ReadonlySet<Unanswered>): Promise<unknown> {
  return Promise.all(Array.from(requests, ({ answered }) => answered));
}

function isSafe({ method, headers }: NodeRequest): boolean {
  return SAFE.has(method ?? '') && headers.upgrade === undefined;
}
