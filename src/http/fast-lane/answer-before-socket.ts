import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { AcceptedConnection } from '../../os/node-socket.ts';
import { peekNow, receiveNow } from '../../os/socket.ts';
import type { Answer } from '../message/exchange.ts';
import type { ParsedRequest } from './grammar.ts';
import type { Lane } from './lane-host.ts';
import { LaneRequest } from './lane-request.ts';
import type { Unsent } from './outbox.ts';
import { isStream, prepareAnswer, releaseBody } from './prepared-answer.ts';

/** Larger bodies may not fit into a new connection's buffer. */
const MOST = 64 * 1024;

/** The only answer of a connection that had no room for all of it. */
export interface Begun {
  readonly fd: number;
  readonly request: LaneRequest;
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
 * @returns whether it is answered and closed; or what is left to be sent
 */
export function answerAtOnce(lane: Lane, connection: AcceptedConnection): boolean | Begun {
  const { fd } = connection;
  const { answered, outbox } = lane;
  const since = answered === undefined ? 0 : performance.now();
  const { memo } = lane;
  const count = peekNow(fd, memo.buffer);
  const parsed = count === 0 ? undefined : memo.recall(count);
  if (parsed?.close !== true) return false;
  const request = new LaneRequest(parsed, connection);
  const answer = shortAnswer(lane, request, parsed);
  if (answer === undefined) return false;
  const { status, head } = answer;
  const body = answer.body as Aggregate | undefined;
  const length = body?.length ?? 0;
  outbox.add(head, body);
  // The kernel resets a connection that is closed with bytes unread.
  receiveNow(fd, memo.buffer.subarray(0, count));
  const left = outbox.send(fd);
  if (answered !== undefined) void connection.remoteAddress;
  if (left !== undefined) return { fd, request, status, head, length, left };
  connection.close();
  answered?.(request, status, length, performance.now() - since);
  return true;
}

/**
 * An answer that is at hand and short; undefined when there is none, or it fails: whoever asks again learns
 * how.
 */
function shortAnswer(lane: Lane, request: LaneRequest, { method }: ParsedRequest) {
  let given: Answer | undefined;
  try {
    given = lane.handler.answerNow?.(request);
    if (given === undefined) return undefined;
    if (!isStream(given.body) && (given.body?.length ?? 0) <= MOST) return prepareAnswer(method, given, true);
  } catch {
    return undefined;
  }
  releaseBody(given.body);
  return undefined;
}
