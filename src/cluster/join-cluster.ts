import { Cluster } from './cluster.ts';
import { makeContext } from './cluster-context.ts';
import { ClusterError } from './cluster-error.ts';
import { type ClusterOptions, checkedClusterOptions } from './cluster-options.ts';
import { openConnection } from './connection.ts';
import { loadNats } from './nats.ts';

/**
 * Joins the machines that keep one cache among them, as one of them: one process of a machine does, the
 * primary. NATS (2.9 or later, with JetStream) tells and agrees; `@nats-io/*` are loaded here only.
 * @returns when it has joined; the caller closes it
 * @throws ERR_IOLITE_CLUSTER when the client of NATS is not installed, no server answers, or another machine
 *   has the name; ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
 */
export async function joinCluster(options: ClusterOptions): Promise<Cluster> {
  const checked = checkedClusterOptions(options);
  const nats = await loadNats();
  const connection = await openConnection(nats, checked);
  try {
    return await Cluster.join(makeContext(nats, connection.nats, checked), connection);
  } catch (cause) {
    if (cause instanceof ClusterError) throw cause;
    const { message } = cause as Error;
    throw new ClusterError(`Cannot join cluster: NATS refuses: ${message}`, { cause, mayRetry: true });
  }
}
