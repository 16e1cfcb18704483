import type { Answer } from './exchange.ts';
import { statusAnswer } from './status-answer.ts';

const STATUSES = new Map<unknown, number>([
  ['UND_ERR_CONNECT_TIMEOUT', 504],
  ['UND_ERR_HEADERS_TIMEOUT', 504],
  ['UND_ERR_BODY_TIMEOUT', 504],
  ['ETIMEDOUT', 504],
  // What the client sent: a method or field that cannot be sent on, or a body that is not as long as it says.
  ['UND_ERR_INVALID_ARG', 400],
  ['UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 400],
  ['UND_ERR_CLOSED', 503],
  ['UND_ERR_DESTROYED', 503],
]);

/**
 * What a client is told when the origin sent no response: 504 if it took too long, 502 mostly, 400 and 503
 * where it was not asked.
 */
export function originFailure(error: unknown): Answer {
  return statusAnswer(STATUSES.get((error as { code?: unknown } | undefined)?.code) ?? 502);
}
