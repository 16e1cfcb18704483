import type { ServerRequest } from '../message/exchange.ts';
import type { AccessRecord } from './access-format.ts';

/** What became of a request. */
export interface Outcome {
  readonly httpVersion: string;
  readonly status: number;
  /** Of the body, that were sent. */
  readonly bytes: number;
  /** In milliseconds, until now. */
  readonly duration: number;
  /** Of the client: its connection may be closed by now, and not know it any more. */
  readonly remoteAddress: string | undefined;
}

/** What a log says of a request that was answered just now. */
export function accessRecord(request: ServerRequest, outcome: Outcome): AccessRecord {
  const { duration, ...known } = outcome;
  return {
    time: Date.now() - duration,
    ...known,
    method: request.method,
    target: request.target,
    referer: request.header('referer'),
    userAgent: request.header('user-agent'),
    duration: Math.round(duration * 1000) / 1000,
  };
}
