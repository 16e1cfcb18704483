import type { Cluster } from '../../cluster/cluster.ts';
import { complain } from '../complain.ts';
import { UserError } from '../user-error.ts';
import type { ServeConfig } from './settings/settings-schema.ts';

const DEFAULT_NAME = 'iolite';

/** Joins the cluster that settings name, if they name one. @throws UserError */
export async function joinOwnCluster({ cluster }: ServeConfig): Promise<Cluster | undefined> {
  if (cluster === undefined) return undefined;
  const { servers, name = DEFAULT_NAME, machine, advertise, secret, replicas, maxLag } = cluster;
  const options = { machine, advertise, secret, replicas, maxLag };
  if (servers === undefined) throw new UserError('Cannot join cluster: servers of NATS are wanted');
  try {
    const { joinCluster } = await import('../../cluster/join-cluster.ts');
    return await joinCluster({ ...options, name, servers, complain });
  } catch (error) {
    throw new UserError((error as Error).message);
  }
}
