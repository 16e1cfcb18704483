import { mkdirSync, writeFileSync } from 'node:fs';

/** One line of a result file. `ratio` above 1 means ours is better. */
export interface Result {
  readonly name: string;
  readonly ours: number;
  readonly peer: number;
  readonly peerName: string;
  readonly unit: string;
  readonly ratio: number;
}

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
 * Measures comparisons side by side: in each round every comparison runs both its sides, in turn, so that a
 * machine that slows down slows both. The figures are medians over the rounds, in work per second.
 */
export async function compare(comparisons: readonly Comparison[], rounds = 7): Promise<Result[]> {
  const rates = comparisons.map(() => ({ ours: [] as number[], peer: [] as number[] }));
  for (let round = -1; round < rounds; round++) {
    for (const [position, comparison] of comparisons.entries()) {
      const ours = await rate(comparison.ours, comparison.oursTimes);
      const peer = await rate(comparison.peer, comparison.peerTimes);
      // The first round warms up.
      if (round < 0) continue;
      rates[position]?.ours.push(ours);
      rates[position]?.peer.push(peer);
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

/** Prints a table and writes bench/results/<name>.json. */
export function report(name: string, results: readonly Result[]): void {
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
  const folder = new URL('./results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify(results, null, 2)}\n`);
}

function format(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}
