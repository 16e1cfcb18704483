import { CollectedMetric, type MetricReading } from './metric.ts';
import { type SourceKind, sumOf } from './sources.ts';

/** A figure of a kind of source, and the metric that it becomes. */
type Row = readonly [
  kind: SourceKind,
  figure: string,
  name: string,
  type: MetricReading['type'],
  help: string,
];

const ROWS: readonly Row[] = [
  ['server', 'connections', 'iolite_connections', 'gauge', 'Connections of clients that are open'],
  ['cache', 'hits', 'iolite_cache_hits_total', 'counter', 'Reads answered from memory at hand'],
  ['cache', 'misses', 'iolite_cache_misses_total', 'counter', 'Reads that waited for the disk or the owner'],
  ['cache', 'evictions', 'iolite_cache_evictions_total', 'counter', 'Contents that left for others'],
  ['cache', 'entries', 'iolite_cache_entries', 'gauge', 'Contents that are held, or known of the owner'],
  ['cache', 'budget', 'iolite_cache_budget_bytes', 'gauge', 'Memory that content may take'],
  ['cache', 'allowance', 'iolite_cache_allowance_bytes', 'gauge', 'What of the budget may be used just now'],
  ['cache', 'uncached', 'iolite_cache_uncached_total', 'counter', 'Contents given out and not kept'],
  [
    'cache',
    'cleanings',
    'iolite_cache_cleanings_total',
    'counter',
    'Segments whose live contents were copied together',
  ],
  ['pool', 'chunks', 'iolite_pool_chunks', 'gauge', 'Chunks that exist'],
  ['pool', 'chunksIdle', 'iolite_pool_chunks_idle', 'gauge', 'Chunks that hold nothing that is live here'],
  ['pool', 'bytesMapped', 'iolite_pool_bytes', 'gauge', 'Memory of all chunks'],
  ['pool', 'recycled', 'iolite_pool_recycled_total', 'counter', 'Chunks that were filled again'],
  ['pool', 'allocated', 'iolite_pool_buffers_total', 'counter', 'Buffers that were allocated'],
  ['pool', 'leaked', 'iolite_pool_leaked_total', 'counter', 'Leases that the garbage collector ended'],
  ['channel', 'open', 'iolite_channels', 'gauge', 'Channels to other domains that are open'],
  [
    'channel',
    'pending',
    'iolite_channel_pending_requests',
    'gauge',
    'Requests over channels that wait for an answer',
  ],
  [
    'channel',
    'waiting',
    'iolite_channel_waiting_messages',
    'gauge',
    'Messages that wait for credit or to be written',
  ],
  [
    'application',
    'processes',
    'iolite_application_links',
    'gauge',
    'Connections to processes of applications',
  ],
  ['application', 'active', 'iolite_application_requests', 'gauge', 'Requests that applications deal with'],
  [
    'application',
    'queued',
    'iolite_application_queue',
    'gauge',
    'Requests that wait for a process of an application',
  ],
  [
    'application',
    'restarts',
    'iolite_restarts_total',
    'counter',
    'Processes started in place of others that ended',
  ],
  ['workers', 'workers', 'iolite_workers', 'gauge', 'Workers of pools that take tasks'],
  ['workers', 'running', 'iolite_worker_tasks', 'gauge', 'Tasks that workers of pools have'],
  ['workers', 'queued', 'iolite_worker_queue', 'gauge', 'Tasks that wait for a worker of a pool'],
  ['workers', 'completed', 'iolite_worker_tasks_completed_total', 'counter', 'Tasks that gave a result'],
  ['workers', 'failed', 'iolite_worker_tasks_failed_total', 'counter', 'Tasks that failed, or were refused'],
  ['workers', 'aborted', 'iolite_worker_tasks_aborted_total', 'counter', 'Tasks that were aborted'],
  [
    'workers',
    'deaths',
    'iolite_worker_deaths_total',
    'counter',
    'Workers of pools that died, or did not start',
  ],
];

/** Of the states that bytes of a cache are in. */
const CACHE_STATES = ['live', 'filling', 'dead', 'room', 'leased', 'headers', 'beside'] as const;

/** The sums over all that there is of each kind in this process. */
export const SOURCE_METRICS: readonly CollectedMetric[] = [
  ...ROWS.map(
    ([kind, figure, name, type, help]) =>
      new CollectedMetric({ name, help, type, aggregator: 'sum' }, () => [
        { labels: {}, value: sumOf(kind, figure) },
      ]),
  ),
  new CollectedMetric(
    {
      name: 'iolite_cache_bytes',
      help: 'Memory of caches by what it holds: content, dead content, room for more, ...',
      type: 'gauge',
      aggregator: 'sum',
    },
    () => CACHE_STATES.map(state => ({ labels: { state }, value: sumOf('cache', state) })),
  ),
];
