/** Figures of something that runs, by their names: what it counts, and what it holds now. */
export type Figures = Readonly<Record<string, number>>;

/** What of several things of a kind these figures are of: the application, the process. */
export type Labels = Readonly<Record<string, string>>;

/** Figures, and what they are of. */
export interface Sample {
  readonly labels: Labels;
  readonly figures: Figures;
}

/** What figures are of. */
export type SourceKind =
  | 'server'
  | 'cache'
  | 'invalidation'
  | 'pool'
  | 'holder'
  | 'memory'
  | 'channel'
  | 'refusal'
  | 'process'
  | 'application'
  | 'proxy'
  | 'workers'
  | 'cluster';

/** What a source says: figures without labels, or several with them; undefined once it is closed. */
type Said = Figures | readonly Sample[] | undefined;

interface Source {
  readonly kind: SourceKind;
  /** @returns undefined once its owner is gone or closed */
  read(): readonly Sample[] | undefined;
  /** What it said last. */
  last: readonly Sample[];
}

const NO_LABELS: Labels = {};
const sources = new Set<Source>();
/** Nobody may ever read: what is gone is forgotten all the same. */
const gone = new FinalizationRegistry<Source>(depart);

/** Figures that only rise, by kind: they go on counting when what has counted them is gone. */
const counters = new Map<SourceKind, Set<string>>();
/** What those that are gone had counted, by kind and labels. */
const departed = new Map<SourceKind, Map<string, { labels: Labels; figures: Record<string, number> }>>();

/**
 * Tells of something that has figures, until it is closed or nobody has it any more. Costs a
 * microsecond; its figures are read when somebody asks. What it counts between the last time that somebody
 * asked and its end is not known to anybody.
 * @param read undefined: it is closed. It must not hold `owner`: a function of the module or a static one, as
 *   one that is made in a constructor holds what others that are made there hold
 */
export function observe<T extends object>(kind: SourceKind, owner: T, read: (owner: T) => Said): void {
  const held = new WeakRef(owner);
  const source: Source = {
    kind,
    last: [],
    read: () => {
      const there = held.deref();
      return there === undefined ? undefined : samplesOf(read(there));
    },
  };
  sources.add(source);
  gone.register(owner, source);
}

/** Has a figure be one that only rises. */
export function declareCounter(kind: SourceKind, figure: string): void {
  const names = counters.get(kind);
  if (names === undefined) counters.set(kind, new Set([figure]));
  else names.add(figure);
}

/** What of statistics is numbers. */
export function numbersOf(statistics: object): Figures {
  return Object.fromEntries(
    Object.entries(statistics).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}

/**
 * What all sources say now, each asked once, by their kind; and, of those that are gone, what they counted.
 * Costs what the statistics of all of them do: microseconds for most, and for each chunk of a pool.
 */
export function readSources(): ReadonlyMap<SourceKind, readonly Sample[]> {
  const read = new Map<SourceKind, Sample[]>();
  for (const source of sources) {
    const said = source.read();
    if (said === undefined) depart(source);
    else {
      source.last = said;
      listIn(read, source.kind).push(...said);
    }
  }
  for (const [kind, byLabels] of departed) listIn(read, kind).push(...byLabels.values());
  return read;
}

function samplesOf(said: Said): readonly Sample[] | undefined {
  if (said === undefined || Array.isArray(said)) return said as readonly Sample[] | undefined;
  return [{ labels: NO_LABELS, figures: said as Figures }];
}

function listIn(read: Map<SourceKind, Sample[]>, kind: SourceKind): Sample[] {
  const list = read.get(kind) ?? [];
  read.set(kind, list);
  return list;
}

/** A source is gone: what it has counted stays. */
function depart(source: Source): void {
  if (!sources.delete(source)) return;
  const { kind, last } = source;
  const names = counters.get(kind);
  if (names === undefined) return;
  for (const { labels, figures } of last) {
    for (const [name, value] of Object.entries(figures)) {
      if (value !== 0 && names.has(name)) addDeparted(kind, labels, name, value);
    }
  }
}

function addDeparted(kind: SourceKind, labels: Labels, name: string, value: number): void {
  const byLabels = departed.get(kind) ?? new Map();
  departed.set(kind, byLabels);
  const key = JSON.stringify(labels);
  const kept = byLabels.get(key) ?? { labels, figures: {} };
  byLabels.set(key, kept);
  kept.figures[name] = (kept.figures[name] ?? 0) + value;
}
