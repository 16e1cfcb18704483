import type { Credentials } from '../memory/acl.ts';
import { EventCounts } from '../observe/event-counts.ts';
import { eventChannel } from '../observe/events.ts';

const opened = eventChannel('iolite:channel:open');
const closed = eventChannel('iolite:channel:close');
const refused = eventChannel('iolite:channel:refused');
const refusals = new EventCounts('refusal', 'code');

/** A channel as events show it. */
interface Peered {
  readonly peer: Credentials;
}

/** The other side of a channel has greeted. */
export function tellOpen({ peer }: Peered): void {
  if (opened.hasSubscribers) opened.publish({ peer, error: undefined });
}

/** A channel is closed. @param error unless both sides closed it gracefully */
export function tellClosed({ peer }: Peered, error: Error | undefined): void {
  if (closed.hasSubscribers) closed.publish({ peer, error });
}

/**
 * This process refuses a connection, or cuts off the other side of a channel: after its greeting, for before
 * that the endpoint tells, or it was the other side that refused.
 */
export function noteRefusal(error: NodeJS.ErrnoException, peer: Credentials): void {
  refusals.add(error.code ?? 'none');
  if (refused.hasSubscribers) refused.publish({ peer, error });
}
