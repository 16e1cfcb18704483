import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { AcceptedConnection } from '../../os/node-socket.ts';
import { peekNow, receiveNow } from '../../os/socket.ts';
import { isStream } from '../message/body.ts';
import type { Answer, ServerRequest } from '../message/exchange.ts';
import { LaneExchange, type LaneOutcome } from './lane-exchange.ts';
import type { Lane } from './lane-host.ts';
import type { Unsent } from './outbox.ts';
import { prepareOutcome } from './prepared-answer.ts';

/** Larger bodies may not fit into a new connection's buffer. */
const SHORT_BYTES = 64 * 1024;

/** A connection whose first request was put to the handler before it had a socket. */
export interface Opening {
  readonly fd: number;
  readonly exchange: LaneExchange;
  /** What the handler said at once; undefined: it is to come. */
  readonly outcome: LaneOutcome | undefined;
  /** The answer, as far as it was sent; undefined: it was not. */
  readonly begun: BegunAnswer | undefined;
}

/** An answer that the kernel had no room for all of. */
export interface BegunAnswer {
  readonly request: ServerRequest;
  readonly status: number;
  readonly head: readonly Buffer[];
  /** Bytes of its body. */
  readonly length: number;
  readonly left: Unsent;
}

/**
 * Answers a connection that was just accepted, if all it wants is one short answer that is at hand: without a
 * socket of Node's, whose making and unmaking would take more time than all the rest. Any other connection is
 * left as it was.
 * @returns true if it is answered and closed, false if nothing was done; otherwise how far it has come
 */
export function answerBeforeSocket(lane: Lane, connection: AcceptedConnection): boolean | Opening {
  const { fd } = connection;
  const { memo, listener } = lane;
  const since = listener?.wantsDuration === true ? performance.now() : 0;
  const count = peekNow(fd, memo.buffer);
  const parsed = count === 0 ? undefined : memo.recall(count);
  if (parsed?.close !== true) return false;
  const exchange = new LaneExchange(lane, parsed, connection);
  const outcome = exchange.ask();
  if (typeof outcome !== 'object' || !isShort(outcome)) return { fd, exchange, outcome, begun: undefined };
  const prepared = prepareOutcome(exchange, outcome, true);
  const { outbox } = lane;
  const { status, head } = prepared;
  const body = prepared.body as Aggregate | undefined;
  const length = body?.length ?? 0;
  outbox.add(head, body);
  // The kernel resets a connection that is closed with bytes unread.
  receiveNow(fd, memo.buffer.subarray(0, count));
  const left = outbox.send(fd);
  if (listener !== undefined) void connection.remoteAddress;
  if (left !== undefined)
    return { fd, exchange, outcome, begun: { request: exchange, status, head, length, left } };
  connection.close();
  if (listener !== undefined) {
    const duration = since === 0 ? 0 : performance.now() - since;
    const { remoteAddress } = connection;
    listener.answered({
      request: exchange,
      httpVersion: '1.1',
      status,
      bytes: length,
      duration,
      remoteAddress,
    });
  }
  return true;
}

function isShort({ body }: Answer): boolean {
  return !isStream(body) && (body?.length ?? 0) <= SHORT_BYTES;
}
