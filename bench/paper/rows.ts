import { readFileSync, writeFileSync } from 'node:fs';
import type { Result } from '../harness.ts';

const PATH = 'bench/results/paper.json';

/** A line of a result file that says which figure of the paper it belongs to, and where in it. */
export interface Row extends Result {
  /** As the paper numbers them: 'Fig. 3', 'Fig. 7 memory'. */
  readonly figure: string;
  /** Bytes, milliseconds, or the name of a program. */
  readonly x: number | string;
}

/** What is no rival, but tells how much is lost to what is measured. */
export const OWN_FILES = 'our static files';

/** How often and how long is measured, unless the environment asks for something else. */
export const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 2);
export const SECONDS = Number(process.env.BENCH_SECONDS ?? 1);

/** One place of a figure: ours against each of the others. */
export interface Place {
  readonly figure: string;
  readonly x: number | string;
  /** How the place is called in tables: '20 kB'. */
  readonly name: string;
  readonly unit: string;
  /** Whether less of the unit is better. */
  readonly less?: boolean;
}

/** @param values one for each side, ours first @param names of the sides, likewise */
export function rowsOf(place: Place, names: readonly string[], values: readonly number[]): Row[] {
  const { figure, x, unit, less = false } = place;
  const [ours = Number.NaN, ...others] = values;
  return others.map((peer, i) => ({
    name: `${figure}: ${place.name}`,
    ours,
    peer,
    peerName: names[i + 1] as string,
    unit,
    ratio: less ? peer / ours : ours / peer,
    figure,
    x,
  }));
}

/** What was measured so far, by whatever runs; nothing if that was never. */
export function savedRows(): Row[] {
  try {
    return JSON.parse(readFileSync(PATH, 'utf8')) as Row[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return [];
  }
}

/** Puts the figures that were measured in the place of what was known of them. */
export function saveRows(rows: readonly Row[]): void {
  const figures = new Set(rows.map(({ figure }) => figure));
  const kept = savedRows().filter(({ figure }) => !figures.has(figure));
  const all = [...kept, ...rows].sort((a, b) => a.figure.localeCompare(b.figure, 'en', { numeric: true }));
  writeFileSync(PATH, `${JSON.stringify(all, null, 2)}\n`);
}
