/** Aggregates between domains, by reference. */

export type { OnWrite } from '../memory/imported-chunk.ts';
export { Channel } from './channel.ts';
export type { ChannelOptions } from './channel-options.ts';
export { type ConnectOptions, connect } from './connect.ts';
export { constantHead } from './constant-head.ts';
export { Endpoint, type EndpointOptions } from './endpoint.ts';
export { type Forked, type ForkOptions, fork, inheritedDescriptors, parentChannel } from './fork.ts';
export { type ForkedWorker, forkWorker, type WorkerOptions } from './fork-worker.ts';
export type { IncomingStream } from './incoming-stream.ts';
export { type ListenOptions, listen } from './listen.ts';
export type { Json, Message } from './message.ts';
export type { SendStreamOptions } from './outgoing-streams.ts';
export type { RequestOptions } from './pending-requests.ts';
export type { Quotas } from './quotas.ts';
export type { Requester } from './requester.ts';
export type { RequestContext, RequestHandler } from './responder.ts';
export { type SpawnedThread, spawnThread, type ThreadOptions } from './thread.ts';
