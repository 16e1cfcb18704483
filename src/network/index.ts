/**
 * Aggregates to and from sockets.
 * @packageDocumentation
 */
export { type ReceiveOptions, receive } from './receive.ts';
export { type SendOptions, sendAggregate } from './send.ts';
export type { SendMode } from './socket-sender.ts';
