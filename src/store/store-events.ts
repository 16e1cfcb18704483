import { EventCounts } from '../observe/event-counts.ts';
import { eventChannel } from '../observe/events.ts';

/** What has told that a content is not right any more. */
export type InvalidatedBy =
  /** The source: a file is another one, or gone. */
  | 'change'
  /** A program, by invalidate(); a purge is one, too. */
  | 'call'
  /** A request that has changed the resource. */
  | 'method'
  /** The answer to such a request, by the groups it named. */
  | 'group';

const counts = new EventCounts('invalidation', 'by');

/** Contents were given up, or are to be asked for again. */
export function noteInvalidation(by: InvalidatedBy, contents = 1): void {
  if (contents > 0) counts.add(by, contents);
}

const misses = eventChannel('iolite:cache:miss');

/** What was asked for is not at hand. */
export function tellMiss(key: string): void {
  if (misses.hasSubscribers) misses.publish({ key, bytes: 0 });
}
