import type { MetricReading } from './metric.ts';
import type { SourceKind } from './sources.ts';

/** A figure of a kind of source, and the metric that it becomes. */
export interface SourceRow {
  readonly kind: SourceKind;
  readonly figure: string;
  readonly name: string;
  readonly type: Exclude<MetricReading['type'], 'histogram'>;
  readonly help: string;
  /** How several become one: 'max' where each tells of the same. Default 'sum'. */
  readonly aggregator?: MetricReading['aggregator'];
}

type Short = readonly [
  figure: string,
  name: string,
  type: SourceRow['type'],
  help: string,
  aggregator?: SourceRow['aggregator'],
];

function rowsOf(kind: SourceKind, rows: readonly Short[]): readonly SourceRow[] {
  return rows.map(([figure, name, type, help, aggregator = 'sum']) => ({
    kind,
    figure,
    name: `iolite_${name}`,
    type,
    help,
    aggregator,
  }));
}

export const SOURCE_ROWS: readonly SourceRow[] = [
  ...rowsOf('server', [
    ['connections', 'connections', 'gauge', 'Connections of clients that are open, by who has them'],
  ]),
  ...rowsOf('cache', [
    ['hits', 'cache_hits_total', 'counter', 'Reads answered from memory at hand'],
    ['misses', 'cache_misses_total', 'counter', 'Reads that waited for the disk or the owner'],
    ['evictions', 'cache_evictions_total', 'counter', 'Contents that left for others'],
    ['entries', 'cache_entries', 'gauge', 'Contents that are held, or known of the owner'],
    ['budget', 'cache_budget_bytes', 'gauge', 'Memory that content may take'],
    ['allowance', 'cache_allowance_bytes', 'gauge', 'What of the budget may be used just now'],
    ['uncached', 'cache_uncached_total', 'counter', 'Contents given out and not kept'],
    ['cleanings', 'cache_cleanings_total', 'counter', 'Segments whose live contents were copied together'],
  ]),
  ...rowsOf('invalidation', [
    [
      'count',
      'cache_invalidations_total',
      'counter',
      'Contents that were given up as not right any more, by what told so',
    ],
  ]),
  ...rowsOf('pool', [
    ['chunks', 'pool_chunks', 'gauge', 'Chunks that exist'],
    ['chunksIdle', 'pool_chunks_idle', 'gauge', 'Chunks that hold nothing that is live here'],
    ['bytesMapped', 'pool_bytes', 'gauge', 'Memory of all chunks'],
    ['recycled', 'pool_recycled_total', 'counter', 'Chunks that were filled again'],
    ['allocated', 'pool_buffers_total', 'counter', 'Buffers that were allocated'],
    ['leaked', 'pool_leaked_total', 'counter', 'Leases that the garbage collector ended'],
  ]),
  ...rowsOf('holder', [
    ['bytes', 'pool_holder_bytes', 'gauge', 'Memory of chunks that a process holds, headers included'],
    ['chunks', 'pool_holder_chunks', 'gauge', 'Chunks that a process holds'],
    [
      'since',
      'pool_holder_since_seconds',
      'gauge',
      'When a process was given the oldest of what it holds, in seconds since 1970',
      'min',
    ],
  ]),
  ...rowsOf('memory', [
    ['limit', 'memory_limit_bytes', 'gauge', 'Memory there is, by the nearest bound', 'max'],
    ['used', 'memory_used_bytes', 'gauge', 'Memory used at that bound, by whomever', 'max'],
    ['shrinks', 'memory_shrinks_total', 'counter', 'Caches that had to do with less, as memory was short'],
  ]),
  ...rowsOf('channel', [
    ['open', 'channels', 'gauge', 'Channels to other domains that are open'],
    ['pending', 'channel_pending_requests', 'gauge', 'Requests over channels that wait for an answer'],
    ['waiting', 'channel_waiting_messages', 'gauge', 'Messages that wait for credit or to be written'],
    ['unconsumed', 'channel_unconsumed_messages', 'gauge', 'Messages that credit is used for'],
    ['unconsumedBytes', 'channel_unconsumed_bytes', 'gauge', 'Bytes of buffers that credit is used for'],
    ['unleased', 'channel_unleased_messages', 'gauge', 'Messages sent that the peer has not leased'],
  ]),
  ...rowsOf('refusal', [
    [
      'count',
      'channel_refusals_total',
      'counter',
      "Connections that were refused and channels that were cut off, by the error's code",
    ],
  ]),
  ...rowsOf('process', [
    ['restarts', 'restarts_total', 'counter', 'Processes started in place of others that ended'],
  ]),
  ...rowsOf('application', [
    ['links', 'application_links', 'gauge', 'Connections to processes of an application'],
    ['active', 'application_requests', 'gauge', 'Requests that an application deals with'],
    ['queued', 'application_queue', 'gauge', 'Requests that wait for a process of an application'],
    ['requests', 'application_requests_total', 'counter', 'Requests that were for an application'],
    [
      'restarts',
      'application_restarts_total',
      'counter',
      'Processes of an application started in place of others that ended',
    ],
  ]),
  ...rowsOf('proxy', [
    ['count', 'proxy_answers_total', 'counter', 'Answers of the proxy, by how they came about'],
  ]),
  ...rowsOf('cluster', [
    ['machines', 'cluster_machines', 'gauge', 'Machines of a cluster that live, this one among them', 'max'],
    ['connected', 'cluster_connected', 'gauge', 'Whether this machine hears the others: 1 or 0', 'min'],
    ['applied', 'cluster_log_applied', 'gauge', 'Up to where the log of invalidations is carried out', 'min'],
    ['last', 'cluster_log_last', 'gauge', 'Up to where the log of invalidations was read', 'max'],
    ['lag', 'cluster_log_lag', 'gauge', 'Messages of the log that were read and not carried out', 'max'],
    ['losses', 'cluster_log_losses_total', 'counter', 'Times that the log was lost, and all became stale'],
    ['links', 'cluster_links', 'gauge', 'Links to other machines that were opened here'],
    ['sent', 'cluster_pulls_total', 'counter', 'Contents that other machines were asked for'],
    ['answered', 'cluster_pulls_answered_total', 'counter', 'Pulls of other machines that were answered'],
    ['refused', 'cluster_pulls_refused_total', 'counter', 'Pulls of others that were not answered'],
    ['bytes', 'cluster_pull_bytes_total', 'counter', 'Bytes of contents that other machines got'],
  ]),
  ...rowsOf('workers', [
    ['workers', 'workers', 'gauge', 'Workers of pools that take tasks'],
    ['running', 'worker_tasks', 'gauge', 'Tasks that workers of pools have'],
    ['queued', 'worker_queue', 'gauge', 'Tasks that wait for a worker of a pool'],
    ['completed', 'worker_tasks_completed_total', 'counter', 'Tasks that gave a result'],
    ['failed', 'worker_tasks_failed_total', 'counter', 'Tasks that failed, or were refused'],
    ['aborted', 'worker_tasks_aborted_total', 'counter', 'Tasks that were aborted'],
    ['deaths', 'worker_deaths_total', 'counter', 'Workers of pools that died, or did not start'],
  ]),
];
