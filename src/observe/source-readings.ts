import { DURATION_FIGURES, durationsIn } from './duration-histogram.ts';
import { histogramValues } from './histogram-values.ts';
import { CollectedMetric, combined, type MetricValue } from './metric.ts';
import { SOURCE_ROWS, type SourceRow } from './source-rows.ts';
import { declareCounter, readSources, type Sample, type SourceKind } from './sources.ts';

/** The states that memory of a cache is in, and the figure of each. */
const CACHE_STATES = {
  live: 'live',
  filling: 'filling',
  dead: 'dead',
  room: 'room',
  leased: 'leased',
  headers: 'headers',
  beside: 'beside',
} as const;
/** The same of a pool. */
const POOL_STATES = { live: 'bytesLive', used: 'bytesUsed', held: 'bytesHeld' } as const;

/** Kinds whose samples have labels. */
const LABELLED: ReadonlySet<SourceKind> = new Set([
  'server',
  'holder',
  'memory',
  'refusal',
  'invalidation',
  'application',
  'proxy',
  'cluster',
]);

const APPLICATION_SECONDS = 'iolite_application_seconds';

for (const { kind, figure, type } of SOURCE_ROWS) if (type === 'counter') declareCounter(kind, figure);
for (const figure of DURATION_FIGURES) declareCounter('application', figure);

let reading: ReturnType<typeof readSources> | undefined;

/** What all sources say: asked once for all metrics that are read in the same turn. */
function samplesOf(kind: SourceKind): readonly Sample[] {
  if (reading === undefined) {
    reading = readSources();
    queueMicrotask(() => {
      reading = undefined;
    });
  }
  return reading.get(kind) ?? [];
}

/** The sums over all that there is of each kind in this process, by labels. */
export const SOURCE_METRICS: readonly CollectedMetric[] = [
  ...SOURCE_ROWS.map(row => {
    const { name, help, type, aggregator = 'sum' } = row;
    return new CollectedMetric({ name, help, type, aggregator }, () => valuesOf(row));
  }),
  new CollectedMetric(
    {
      name: 'iolite_cache_bytes',
      help: 'Memory of caches by what it holds: content, dead content, room for more, ...',
      type: 'gauge',
      aggregator: 'sum',
    },
    () => statesOf('cache', CACHE_STATES),
  ),
  new CollectedMetric(
    {
      name: 'iolite_pool_state_bytes',
      help:
        'Memory of pools: chunks that are live here, what of these is referred to (used), and chunks that ' +
        'somebody holds, here or elsewhere (held)',
      type: 'gauge',
      aggregator: 'sum',
    },
    () => statesOf('pool', POOL_STATES),
  ),
  new CollectedMetric(
    {
      name: APPLICATION_SECONDS,
      help: 'From the sending of a request to an application until its answer is there',
      type: 'histogram',
      aggregator: 'sum',
    },
    () =>
      combined(
        samplesOf('application')
          .filter(({ figures }) => DURATION_FIGURES.some(figure => (figures[figure] ?? 0) > 0))
          .flatMap(({ labels, figures }) =>
            histogramValues(APPLICATION_SECONDS, labels, durationsIn(figures)),
          ),
        'sum',
      ),
  ),
];

/** Of a kind without labels there is one value, also where nothing is of it. */
function valuesOf({ kind, figure, aggregator = 'sum' }: SourceRow): readonly MetricValue[] {
  const values = samplesOf(kind).flatMap(({ labels, figures: { [figure]: value } }) =>
    value === undefined ? [] : [{ labels, value }],
  );
  if (values.length > 0 || LABELLED.has(kind)) return combined(values, aggregator);
  return [{ labels: {}, value: 0 }];
}

function statesOf(kind: SourceKind, states: Readonly<Record<string, string>>): readonly MetricValue[] {
  const values = samplesOf(kind).flatMap(({ labels, figures }) =>
    Object.entries(states).map(([state, figure]) => ({
      labels: { ...labels, state },
      value: figures[figure] ?? 0,
    })),
  );
  return combined(values, 'sum');
}
