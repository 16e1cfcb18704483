/**
 * One cache, and its channels and jobs, on many machines: NATS agrees, tells and queues.
 * @packageDocumentation
 */

export type {
  InvalidationLog,
  LogFollower,
  LogPosition,
  LogSelector,
} from '../store/log/invalidation-log.ts';
export type { Cluster, ClusterMachine } from './cluster.ts';
export { ClusterError } from './cluster-error.ts';
export type { ClusterOptions } from './cluster-options.ts';
export type { FailedJob } from './jobs/failed-jobs.ts';
export type { Job } from './jobs/job.ts';
export type { JobsOptions } from './jobs/job-options.ts';
export type { Jobs, JobsStats, TakeOptions } from './jobs/jobs.ts';
export { joinCluster } from './join-cluster.ts';
export { Link } from './link/link.ts';
export { LinkEndpoint, type LinkEndpointOptions } from './link/link-endpoint.ts';
export type { LinkPeer } from './link/link-greeting.ts';
export type { LinkOptions } from './link/link-options.ts';
export type { MachineStats, PullStats } from './stats/machine-stats.ts';
