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
export { joinCluster } from './join-cluster.ts';
