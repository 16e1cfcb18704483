import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { amountIn, ownCgroups, textOf } from './own-cgroups.ts';

/**
 * How many processors this process has, as a container allows it: cores that it may run on, and no more
 * than the least CPU quota of its cgroups and those above. A quota of one and a half counts as two: what is
 * left of it would be nobody's. At least 1; what cannot be read is no quota.
 * @param root where /proc and the mount points of cgroups are, for tests
 */
export function usableProcessors(root = '/'): number {
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(cpuQuota(root))));
}

/** Processors that the cgroups allow, which may be less than one; infinite when they set no bound. */
export function cpuQuota(root = '/'): number {
  const quotas = ownCgroups('cpu', root).map(({ path, version }) => {
    if (version === 1) {
      return quotient(amountIn(join(path, 'cpu.cfs_quota_us')), amountIn(join(path, 'cpu.cfs_period_us')));
    }
    const [, quota, period] = /^(\d+) (\d+)\s*$/.exec(textOf(join(path, 'cpu.max')) ?? '') ?? [];
    return quotient(Number(quota), Number(period));
  });
  return Math.min(Number.POSITIVE_INFINITY, ...quotas);
}

function quotient(quota = 0, period = 0): number {
  return quota > 0 && period > 0 ? quota / period : Number.POSITIVE_INFINITY;
}
