import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Session } from 'node:http2';
import { Socket } from 'node:net';
import { sharedMemoryIsSupported } from '../../memory/support.ts';
import { loopTurn } from '../message/loop-turn.ts';
import type { NodeRequest } from '../node/node-adapter.ts';
import { isGone } from '../node/node-response.ts';
import type { NodeResponse } from '../node/response-way.ts';
import { HeldSockets } from './held-sockets.ts';

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
  /** Whether there are so many that nothing more is read. */
  isFull: boolean;
  /** How many of these are being answered. */
  begun: number;
  /** How many may be: streams of HTTP/2 have a bound of their own. */
  readonly most: number;
  /** How to begin with those that wait for nothing but a turn of the event loop, in order. */
  readonly ready: (() => void)[];
  /** Begins with these, as many as there is time for. */
  readonly resume: () => void;
  /**
   * When all that came so far is answered. Undefined as long as nobody has waited for that; while something
   * that changes anything is not answered each that comes waits, so that it is that of the last one.
   */
  all: Promise<unknown> | undefined;
}

/** Methods that change nothing (RFC 9110, 9.2.1). */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** Requests of one connection that may be under way before nothing more is read from it. */
const MAX_UNANSWERED_REQUESTS = 128;
/** Requests of one connection of HTTP/1.1 that are answered beside each other, and take room elsewhere. */
const MAX_BEGUN_REQUESTS = 32;

/**
 * The requests of each connection that are not answered yet. Those of HTTP/1.1 that came one behind the other
 * are answered beside each other only if all of them change nothing (RFC 9112, 9.3.2). One read may bring a
 * thousand: they are begun with as the {@link loopTurn} goes, and no more are read while that many wait.
 */
export class Pipelines {
  readonly #connections = new WeakMap<Socket | ServerHttp2Session, Connection>();
  /** Undefined where libc cannot be called: then Node alone says how much is read. */
  readonly #held = sharedMemoryIsSupported() ? new HeldSockets() : undefined;

  /**
   * A request came. O(1), however many are not answered.
   * @param begin called when its turn comes, perhaps now, unless the client is gone by then
   */
  enter(message: NodeRequest, response: NodeResponse, begin: () => void): void {
    const connection = 'stream' in message ? message.stream.session : message.socket;
    if (connection === undefined) return begin();
    const state = this.#stateOf(connection as Socket | ServerHttp2Session);
    const isOfHttp2 = 'stream' in message;
    const isUnsafe = !isOfHttp2 && !isSafe(message);
    const waits = state.unsafe > 0 || (isUnsafe && state.unanswered.size > 0);
    const earlier = waits ? (state.all ?? answersTo(state.unanswered)) : undefined;
    const answered = new Promise<void>(resolve => response.once('close', resolve));
    const entry = { message, response, answered };
    state.unanswered.add(entry);
    if (isUnsafe) state.unsafe += 1;
    if (waits) state.all = Promise.all([earlier, answered]);
    if (!isOfHttp2) this.#setPace(message.socket, state);
    void answered.then(() => {
      state.unanswered.delete(entry);
      if (!isOfHttp2) this.#setPace(message.socket, state);
      if (!isUnsafe) return;
      state.unsafe -= 1;
      // What comes next need not wait, and so is not in it.
      if (state.unsafe === 0) state.all = undefined;
    });
    const start = (): void => {
      if (isGone(response)) return;
      state.begun += 1;
      void answered.then(() => {
        state.begun -= 1;
        if (state.ready.length > 0) loopTurn.wait(state.resume);
      });
      begin();
    };
    if (earlier === undefined) beginInTurn(state, start);
    else void earlier.then(() => beginInTurn(state, start));
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

  /** Reads from a connection as long as not too many of its requests are under way. */
  #setPace(socket: Socket, state: Connection): void {
    const isFull = state.unanswered.size >= MAX_UNANSWERED_REQUESTS;
    if (isFull === state.isFull) return;
    state.isFull = isFull;
    if (isFull) this.#held?.hold(socket);
    else this.#held?.release(socket);
  }

  #stateOf(connection: Socket | ServerHttp2Session): Connection {
    let state = this.#connections.get(connection);
    if (state === undefined) {
      const made: Connection = {
        unanswered: new Set(),
        unsafe: 0,
        isFull: false,
        begun: 0,
        most: connection instanceof Socket ? MAX_BEGUN_REQUESTS : Number.POSITIVE_INFINITY,
        ready: [],
        resume: () => beginReady(made),
        all: undefined,
      };
      state = made;
      this.#connections.set(connection, state);
    }
    return state;
  }
}

function beginInTurn(state: Connection, start: () => void): void {
  if (state.ready.length === 0 && state.begun < state.most && !loopTurn.isOver) return start();
  state.ready.push(start);
  loopTurn.wait(state.resume);
}

/** Begins with what waits, and with one at least, unless there are enough under way. */
function beginReady(state: Connection): void {
  const { ready, resume } = state;
  while (ready.length > 0 && state.begun < state.most) {
    ready.shift()?.();
    if (loopTurn.isOver) break;
  }
  if (ready.length > 0 && state.begun < state.most) loopTurn.wait(resume);
}

function answersTo(requests: ReadonlySet<Unanswered>): Promise<unknown> {
  return Promise.all(Array.from(requests, ({ answered }) => answered));
}

function isSafe({ method, headers }: NodeRequest): boolean {
  return SAFE.has(method ?? '') && headers.upgrade === undefined;
}
