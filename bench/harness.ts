import { mkdirSync, writeFileSync } from 'node:fs';

export const KiB = 1024;
export const MiB = 1024 ** 2;
export const GiB = 1024 ** 3;

/** One line of a result file. `ratio` above 1 means ours is better. */
export interface Result {
  readonly name: string;
  readonly ours: number;
  readonly peer: number;
  readonly peerName: string;
  readonly unit: string;
  readonly ratio: number;
}

const FORTH = ['ours', 'peer', 'peer', 'ours'] as const;
const BACK = ['peer', 'ours', 'ours', 'peer'] as const;

/** Something to measure against a peer: both do the same work, a number of times, and resolve when done. */
export interface Comparison {
  readonly name: string;
  readonly peerName: string;
  readonly ours: (times: number) => Promise<void> | void;
  readonly peer: (times: number) => Promise<void> | void;
  /** How often one measurement repeats the work, for each side. */
  readonly oursTimes: number;
  readonly peerTimes: number;
}

/**
 * Measures comparisons side by side: in each round every comparison runs both its sides, in the order ours,
 * peer, peer, ours, or the other way round in every second round: a machine that slows down slows both, and
 * neither finds caches filled by the other more often. The figures are medians over all runs, in work per
 * second. BENCH_ONLY=<text> in the environment leaves out those whose names lack it.
 */
export async function compare(all: readonly Comparison[], rounds = 7): Promise<Result[]> {
  const { BENCH_ONLY: only = '' } = process.env;
  const comparisons = all.filter(({ name }) => name.includes(only));
  const rates = comparisons.map(() => ({ ours: [] as number[], peer: [] as number[] }));
  for (let round = -1; round < rounds; round++) {
    for (const [position, comparison] of comparisons.entries()) {
      for (const side of round % 2 === 0 ? FORTH : BACK) {
        const measured = await rate(comparison[side], comparison[`${side}Times`]);
        // The first round warms up.
        if (round >= 0) rates[position]?.[side].push(measured);
      }
    }
  }
  return comparisons.map(({ name, peerName }, position) => {
    const ours = median(rates[position]?.ours ?? []);
    const peer = median(rates[position]?.peer ?? []);
    return { name, ours, peer, peerName, unit: '1/s', ratio: ours / peer };
  });
}

async function rate(work: (times: number) => Promise<void> | void, times: number): Promise<number> {
  const start = performance.now();
  await work(times);
  return times / ((performance.now() - start) / 1000);
}

/** The middle value; the mean of the two middle values of an even count. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Work to be measured, as something that does it a number of times. */
export function repeat(work: () => void): (times: number) => void {
  return times => {
    for (let i = 0; i < times; i++) work();
  };
}

/** Prints a table and writes bench/results/<name>.json, from the project's root. */
export function report(name: string, results: readonly Result[]): void {
  printTable(results);
  mkdirSync('bench/results', { recursive: true });
  writeFileSync(`bench/results/${name}.json`, `${JSON.stringify(results, null, 2)}\n`);
}

export function printTable(results: readonly Result[]): void {
  const rows = results.map(r => [
    r.name,
    format(r.ours),
    r.unit,
    format(r.peer),
    r.peerName,
    r.ratio.toFixed(2),
  ]);
  const table = [['what', 'ours', 'unit', 'peer', 'peer is', 'ratio'], ...rows];
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map(row => (row[column] ?? '').length))) ?? [];
  for (const row of table)
    console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
}

function format(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}
