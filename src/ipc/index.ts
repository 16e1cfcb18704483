/** Aggregates between domains, by reference. */

export type { OnWrite } from '../memory/imported-chunk.ts';
export { Channel, type ChannelOptions } from './channel.ts';
export { type Forked, type ForkOptions, fork, inheritedDescriptors, parentChannel } from './fork.ts';
export type { Json, Message } from './message.ts';
export type { RequestHandler } from './responder.ts';
