import { EventCounts } from '../../../observe/event-counts.ts';

/** How an answer of a proxy came about: in short what its Cache-Status says. */
export type AnswerOrigin =
  /** What was stored, and fresh. */
  | 'hit'
  /** What was stored and not fresh: it is being validated, the origin failed, or the request allows it. */
  | 'stale'
  /** What was stored, and the origin says that it is right still. */
  | 'revalidated'
  /** A new response: what was stored was not right any more. */
  | 'expired'
  /** A response to what was not stored. */
  | 'miss'
  /** A response in which the cache had no part. */
  | 'bypass'
  /** No response: the origin failed, or was not to be asked. */
  | 'failed';

const counts = new EventCounts('proxy', 'cache_status');
const hits = counts.of('hit');

export function noteAnswer(origin: AnswerOrigin): void {
  counts.add(origin);
}

/** A stored response was sent again, as tens of thousands are a second. */
export function noteHit(): void {
  hits.count += 1;
}
