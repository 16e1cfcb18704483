import { randomBytes } from 'node:crypto';
import { connect } from '@nats-io/transport-node';
import { type ClusterContext, makeContext } from '../../../src/cluster/cluster-context.ts';
import { type ClusterOptions, checkedClusterOptions } from '../../../src/cluster/cluster-options.ts';
import { loadNats } from '../../../src/cluster/nats.ts';

/** What parts of a cluster work with, of a cluster of its own unless a name is given. */
export async function contextAt(
  url: string,
  options: Partial<ClusterOptions> = {},
): Promise<ClusterContext & AsyncDisposable> {
  const connection = await connect({ servers: url });
  const name = randomBytes(8).toString('hex');
  const checked = checkedClusterOptions({ name, connection, complain: () => {}, ...options });
  const context = makeContext(await loadNats(), connection, checked);
  return { ...context, [Symbol.asyncDispose]: () => connection.close() };
}
