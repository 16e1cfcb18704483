/**
 * Aggregates between domains, by reference.
 * @packageDocumentation
 */

export type { Json } from '../base/json.ts';
export type { OnWrite } from '../memory/imported-chunk.ts';
export type { FileAccess } from '../os/confine/landlock.ts';
export { programFiles } from '../os/confine/program-files.ts';
export { Channel } from './channel.ts';
export type { ChannelOptions } from './channel-options.ts';
export { type ConnectOptions, connect } from './meet/connect.ts';
export { Endpoint, type EndpointOptions } from './meet/endpoint.ts';
export { type Forked, type ForkOptions, fork, inheritedDescriptors, parentChannel } from './meet/fork.ts';
export { type ForkedWorker, forkWorker, type WorkerOptions } from './meet/fork-worker.ts';
export { type ListenOptions, listen } from './meet/listen.ts';
export { type SpawnedThread, spawnThread, type ThreadOptions } from './meet/thread.ts';
export type { Message } from './message.ts';
export type { MessageToSend } from './message-content.ts';
export type { PendingRequest, RequestOptions } from './pending-requests.ts';
export { type InputOptions, openInput, PipeInput } from './pipe/open-input.ts';
export { type OutputOptions, openOutput, PipeOutput } from './pipe/open-output.ts';
export type { Requester } from './requester.ts';
export type { RequestContext, RequestHandler } from './responder.ts';
export type { IncomingStream } from './stream/incoming-stream.ts';
export type { SendStreamOptions } from './stream/outgoing-streams.ts';
export { constantHead } from './wire/head.ts';
export type { Quotas } from './wire/quotas.ts';
export type { PoolWorkerInfo } from './workers/pool-worker.ts';
export { TaskContext, type TaskFunction } from './workers/task-context.ts';
export { TaskError } from './workers/task-failure.ts';
export type { TaskResult, TaskResultWithBody } from './workers/task-message.ts';
export type { TimeSummary } from './workers/task-times.ts';
export {
  type ClosePoolOptions,
  createWorkerPool,
  type RunOptions,
  WorkerPool,
  type WorkerPoolStats,
} from './workers/worker-pool.ts';
export type { WorkerPoolOptions, WorkerResourceLimits } from './workers/worker-pool-options.ts';
export type { PoolWorkerExit } from './workers/worker-staff.ts';
