import { MAX_TIMEOUT_MS } from '../../../base/deadlines.ts';
import { ArgumentError, BoundsError, checkInteger, describe } from '../../../base/error.ts';
import type { InvalidationLog } from '../../../store/log/invalidation-log.ts';
import type { ProxyPeers } from './proxy-peers.ts';

/** A cluster, as a proxy sees it: `joinCluster()` of `iolite/cluster` makes one. */
export interface ProxyCluster {
  /** What is no more right on any machine. */
  readonly log: InvalidationLog;
  /** Where contents are got from other machines. */
  readonly peers?: ProxyPeers | undefined;
}

/** For whom the origin is asked once: all of this machine, or of all machines that have a secret. */
export type Collapse = 'machine' | 'cluster';

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
  /**
   * For whom the origin is asked once for what may be kept: with 'cluster' a machine gets it from the one
   * that owns it. Default 'machine'.
   */
  readonly collapse?: Collapse | undefined;
  /**
   * The part of the budget, from 0 to 1, that it gets from the other machines when it joins them: what it
   * owns, and of the rest what they are asked for most. With collapse 'cluster'. Default 0.5.
   */
  readonly warm?: number | undefined;
  /**
   * Bytes a second that come so at most: fresh memory costs the processor four times as much as memory in
   * use. Default 32 MiB.
   */
  readonly warmRate?: number | undefined;
  /**
   * Milliseconds after which it counts as ready though not all has come: the rest comes then. Default 30,000.
   */
  readonly warmTimeout?: number | undefined;
}

/** How a proxy begins with what other machines have. */
export interface WarmUpLimits {
  readonly warm: number;
  readonly warmRate: number;
  readonly warmTimeout: number;
}

const DEFAULT_WARM: WarmUpLimits = { warm: 0.5, warmRate: 32 * 1024 ** 2, warmTimeout: 30_000 };

const POLICIES: ReadonlySet<unknown> = new Set(['validate', 'stale', 'fail']);

/** @throws ERR_IOLITE_ARGUMENT */
export function checkCluster({
  cluster,
  onPartition = 'validate',
  collapse = 'machine',
  ...options
}: ProxyClusterOptions): {
  readonly cluster: ProxyCluster | undefined;
  readonly onPartition: OnPartition;
  /** Where contents are got from other machines, if they are. */
  readonly peers: ProxyPeers | undefined;
  readonly warmUp: WarmUpLimits;
} {
  if (cluster !== undefined && typeof cluster?.log?.follow !== 'function')
    throw new ArgumentError(`Cannot create proxy: a cluster is wanted, ${describe(cluster)} was given`);
  if (!POLICIES.has(onPartition))
    throw new ArgumentError(
      `Cannot create proxy: onPartition is ${[...POLICIES].join(', ')}, ${describe(onPartition)} was given`,
    );
  if (collapse !== 'machine' && collapse !== 'cluster')
    throw new ArgumentError(
      `Cannot create proxy: collapse is machine or cluster, ${describe(collapse)} was given`,
    );
  if (collapse === 'cluster' && typeof cluster?.peers?.ownerOf !== 'function')
    throw new ArgumentError("Cannot create proxy: a cluster is wanted where collapse is 'cluster'");
  const warmUp = checkWarmUp(options);
  return { cluster, onPartition, peers: collapse === 'cluster' ? cluster?.peers : undefined, warmUp };
}

function checkWarmUp({
  warm = DEFAULT_WARM.warm,
  warmRate = DEFAULT_WARM.warmRate,
  warmTimeout = DEFAULT_WARM.warmTimeout,
}: ProxyClusterOptions): WarmUpLimits {
  if (typeof warm !== 'number')
    throw new ArgumentError(`Cannot create proxy: warm is a number from 0 to 1, ${describe(warm)} was given`);
  if (!(warm >= 0 && warm <= 1))
    throw new BoundsError(`Cannot create proxy: warm is from 0 to 1, ${warm} was given`);
  checkInteger(warmRate, 'warmRate', 1, Number.MAX_SAFE_INTEGER);
  checkInteger(warmTimeout, 'warmTimeout', 0, MAX_TIMEOUT_MS);
  return { warm, warmRate, warmTimeout };
}
