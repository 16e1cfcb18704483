/** Aggregates to and from sockets. */
export { sendAggregate } from './send.ts';
