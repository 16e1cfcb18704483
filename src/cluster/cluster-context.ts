import type { NatsConnection } from '@nats-io/transport-node';
import type { CheckedOptions } from './cluster-options.ts';
import type { Nats } from './nats.ts';

/** What all parts of a cluster work with. */
export interface ClusterContext {
  readonly nats: Nats;
  readonly connection: NatsConnection;
  readonly options: CheckedOptions;
  /** What subjects begin with, without the dot behind. */
  readonly prefix: string;
  /** This machine's name in the cluster, in subjects and keys. */
  readonly machine: string;
}

/** @param options of the cluster that is joined */
export function makeContext(nats: Nats, connection: NatsConnection, options: CheckedOptions): ClusterContext {
  const { name, machine } = options;
  return { nats, connection, options, prefix: `iolite.${name}`, machine };
}
