import { EventCounts } from '../../observe/event-counts.ts';

const counts = new EventCounts('refusal', 'code');

/**
 * This process refuses a connection, or cuts off the other side of a channel: after its greeting, for before
 * that the endpoint tells, or it was the other side that refused.
 */
export function noteRefusal({ code = 'none' }: NodeJS.ErrnoException): void {
  counts.add(code);
}
