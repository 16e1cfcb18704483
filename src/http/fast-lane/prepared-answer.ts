import { Aggregate } from '../../aggregate/aggregate.ts';
import type { Answer } from '../message/exchange.ts';
import { answerHead, type Framing, statesLength } from './answer-head.ts';

/** An answer about to be sent: its head in bytes, and what of its body goes to this client. */
export interface PreparedAnswer {
  readonly status: number;
  readonly head: readonly Buffer[];
  readonly body: Answer['body'];
  readonly framing: Framing;
}

/**
 * Prepares an answer. A body that is not to be sent is released, also when this fails.
 * @throws ERR_IOLITE_ARGUMENT for a status or field that cannot be sent
 */
export function prepareAnswer(method: string, answer: Answer, closing: boolean): PreparedAnswer {
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
  if (body === undefined || (framing !== 'none' && method === 'GET')) return { status, head, body, framing };
  releaseBody(body);
  return { status, head, body: undefined, framing };
}

/** How the body of an answer to `method` is delimited, or would be to GET. */
function framingOf(method: string, answer: Answer): Framing {
  const { status, body } = answer;
  if (status === 204 || status === 304) return 'none';
  if (body === undefined) return method === 'HEAD' ? 'none' : 'length';
  return Aggregate.isAggregate(body) || statesLength(answer) ? 'length' : 'chunked';
}

/** Lets go of a body that is not sent. */
export function releaseBody(body: Answer['body']): void {
  if (body === undefined) return;
  if (Aggregate.isAggregate(body)) body.release();
  else
    body[Symbol.asyncIterator]()
      .return?.()
      .catch(() => undefined);
}

export function isStream(body: Answer['body']): body is AsyncIterable<Aggregate> {
  return body !== undefined && !Aggregate.isAggregate(body);
}

/** The answer in place of one that is not to be had. */
export function failure(): Answer {
  const headers = ['Content-Type', 'text/plain; charset=utf-8', 'Cache-Control', 'no-store'];
  return { status: 500, headers, body: Aggregate.adopt(Buffer.from('Internal Server Error\n')) };
}
