import { Aggregate } from '../../aggregate/aggregate.ts';
import { type Body, isStream, releaseBody } from '../message/body.ts';
import type { Answer } from '../message/exchange.ts';
import { answerHead, type Framing, statesLength } from './answer-head.ts';
import type { LaneExchange } from './lane-exchange.ts';

const LINE_END = Buffer.from('\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/** An answer about to be sent: its head in bytes, and what of its body goes to this client. */
export interface PreparedAnswer {
  readonly status: number;
  readonly head: readonly Buffer[];
  readonly body: Body | undefined;
  readonly framing: Framing;
}

/**
 * Prepares an answer. A body that is not to be sent is released, also when this fails.
 * @throws ERR_IOLITE_ARGUMENT for a status or field that cannot be sent
 */
function prepareAnswer(method: string, answer: Answer, closing: boolean): PreparedAnswer {
  const { status, body } = answer;
  const framing = framingOf(method, answer);
  const length = Aggregate.isAggregate(body) ? body.length : 0;
  let head: readonly Buffer[];
  try {
    head = answerHead(answer, framing, length, closing);
  } catch (error) {
    releaseBody(body);
    throw error;
  }
  if (body === undefined || (framing !== 'none' && method !== 'HEAD')) return { status, head, body, framing };
  releaseBody(body);
  return { status, head, body: undefined, framing };
}

/**
 * As {@link prepareAnswer}; an answer that cannot be sent is a failure of the handler, which 500 stands for.
 */
export function prepareOutcome(exchange: LaneExchange, answer: Answer, closing: boolean): PreparedAnswer {
  const { method } = exchange.parsed;
  try {
    return prepareAnswer(method, answer, closing);
  } catch (error) {
    return prepareAnswer(method, exchange.failure(error), closing);
  }
}

/** How the body of an answer to `method` is delimited, or would be to GET. */
function framingOf(method: string, answer: Answer): Framing {
  const { status, body } = answer;
  if (status === 204 || status === 304) return 'none';
  if (body === undefined) return method === 'HEAD' ? 'none' : 'length';
  return Aggregate.isAggregate(body) || statesLength(answer) ? 'length' : 'chunked';
}

/**
 * Sends an answer, piece by piece where its body is a stream.
 * @param send sends parts, taken over, behind those before; resolves when the kernel has taken them
 * @param sent told the length of each part of a stream that was taken
 * @throws what the stream or the sending failed with; the stream is closed then
 */
export async function sendPrepared(
  { head, body, framing }: PreparedAnswer,
  send: (parts: readonly (Buffer | Aggregate)[]) => Promise<void>,
  sent: (length: number) => void,
): Promise<void> {
  if (!isStream(body)) return send(body === undefined ? head : [...head, body]);
  const chunked = framing === 'chunked';
  try {
    await send(head);
  } catch (error) {
    releaseBody(body);
    throw error;
  }
  for await (const part of body) {
    // Sending it releases it.
    const { length } = part;
    if (length === 0) part.release();
    else if (!chunked) await send([part]);
    else await send([Buffer.from(`${length.toString(16)}\r\n`), part, LINE_END]);
    sent(length);
  }
  if (chunked) await send([LAST_CHUNK]);
}
