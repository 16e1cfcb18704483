import { FAILED } from '../app/app-protocol.ts';
import { TOO_LONG } from '../app/server-side/app-limits.ts';
import { BUSY } from '../app/server-side/request-queue.ts';
import type { Answer } from './exchange.ts';
import { statusAnswer } from './status-answer.ts';

const STATUSES = new Map<unknown, number>([
  ['ERR_IOLITE_TIMEOUT', 504],
  [TOO_LONG, 413],
  [BUSY, 503],
  [FAILED, 500],
]);

/** The answer to a request that no application process answered. */
export function failureAnswer(error: unknown): Answer {
  return statusAnswer(STATUSES.get((error as { code?: unknown } | undefined)?.code) ?? 502);
}
