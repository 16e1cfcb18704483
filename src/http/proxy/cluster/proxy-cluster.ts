import { ArgumentError, describe } from '../../../base/error.ts';
import type { InvalidationLog } from '../../../store/log/invalidation-log.ts';

/** A cluster, as a proxy sees it: `joinCluster()` of `iolite/cluster` makes one. */
export interface ProxyCluster {
  /** What is no more right on any machine. */
  readonly log: InvalidationLog;
}

/** What a machine that is cut off from the others does with what it has stored. */
export type OnPartition =
  /** It asks the origin whether it is right, each time. */
  | 'validate'
  /** It goes on as long as it is fresh: what the others have forgotten may be sent. */
  | 'stale'
  /** It answers nothing that a cache has a part in: 504. */
  | 'fail';

/** What a proxy of several machines is told. */
export interface ProxyClusterOptions {
  /** Its place among other machines, whose invalidations are carried out here, and ours there. */
  readonly cluster?: ProxyCluster | undefined;
  /** What it does while it hears nothing of them. Default 'validate'. */
  readonly onPartition?: OnPartition | undefined;
}

const POLICIES: ReadonlySet<unknown> = new Set(['validate', 'stale', 'fail']);

/** @throws ERR_IOLITE_ARGUMENT */
export function checkCluster({ cluster, onPartition = 'validate' }: ProxyClusterOptions): {
  readonly cluster: ProxyCluster | undefined;
  readonly onPartition: OnPartition;
} {
  if (cluster !== undefined && typeof cluster?.log?.follow !== 'function')
    throw new ArgumentError(`Cannot create proxy: a cluster is wanted, ${describe(cluster)} was given`);
  if (!POLICIES.has(onPartition))
    throw new ArgumentError(
      `Cannot create proxy: onPartition is ${[...POLICIES].join(', ')}, ${describe(onPartition)} was given`,
    );
  return { cluster, onPartition };
}
