/** Figures of something that runs, by their names: what it counts, and what it holds now. */
export type Figures = Readonly<Record<string, number>>;

/** What figures are of. */
export type SourceKind =
  | 'answers'
  | 'server'
  | 'cache'
  | 'pool'
  | 'channel'
  | 'application'
  | 'proxy'
  | 'workers';

interface Source {
  readonly kind: SourceKind;
  /** @returns undefined once its owner is gone */
  read(): Figures | undefined;
}

const sources = new Set<Source>();
/** Nobody may ever read: what is gone is forgotten all the same. */
const gone = new FinalizationRegistry<Source>(source => sources.delete(source));

/**
 * Tells of something that has figures, until it is closed or nobody has it any more. Costs a
 * microsecond; its figures are read when somebody asks.
 * @param read undefined: it is closed. It must not hold `owner`: a function of the module or a static one, as
 *   one that is made in a constructor holds what others that are made there hold
 */
export function observe<T extends object>(
  kind: SourceKind,
  owner: T,
  read: (owner: T) => Figures | undefined,
): void {
  const held = new WeakRef(owner);
  const source: Source = {
    kind,
    read: () => {
      const there = held.deref();
      return there === undefined ? undefined : read(there);
    },
  };
  sources.add(source);
  gone.register(owner, source);
}

/** What of statistics is numbers. */
export function numbersOf(statistics: object): Figures {
  return Object.fromEntries(
    Object.entries(statistics).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}

/** The figures of all that there is of a kind in this process. */
export function figuresOfKind(kind: SourceKind): readonly Figures[] {
  const all: Figures[] = [];
  for (const source of sources) {
    if (source.kind !== kind) continue;
    const figures = source.read();
    if (figures === undefined) sources.delete(source);
    else all.push(figures);
  }
  return all;
}

/** The sum of one figure over all that there is of a kind. */
export function sumOf(kind: SourceKind, figure: string): number {
  return figuresOfKind(kind).reduce((sum, figures) => sum + (figures[figure] ?? 0), 0);
}
