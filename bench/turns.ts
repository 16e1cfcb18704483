import { median, type Result } from './harness.ts';

/** Asked for by the environment, where a bench is to be shorter or longer. */
export const SECONDS = Number(process.env.BENCH_SECONDS ?? 2);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);

/** Whether a row is wanted: BENCH_ONLY=<text> leaves out those whose names lack it. */
export function isWanted(name: string): boolean {
  const { BENCH_ONLY: only = '' } = process.env;
  return name.includes(only);
}

/**
 * Measures some sides in turn, as many times as `rounds` says, forth and back (ours, peer, peer, ours), or
 * back and forth in every second round.
 * @param measure how often it was called for that side tells it seeds that are the same for all
 * @param rounds default: as the environment has it
 * @returns for each side what was measured
 */
export async function inTurns<Side, Measured>(
  sides: readonly Side[],
  measure: (side: Side, turn: number) => Promise<Measured>,
  rounds = ROUNDS,
): Promise<Measured[][]> {
  const all = sides.map(() => [] as Measured[]);
  const forth = [...sides.keys()];
  const back = [...forth].reverse();
  for (let round = 0; round < rounds; round++) {
    for (const place of round % 2 === 0 ? [...forth, ...back] : [...back, ...forth]) {
      const measured = all[place] as Measured[];
      measured.push(await measure(sides[place] as Side, measured.length));
    }
  }
  return all;
}

/** The median of one figure. */
export function middle<Name extends string>(all: readonly Record<Name, number>[], name: Name): number {
  return median(all.map(each => each[name]));
}

/**
 * A line of a result file.
 * @param less of it is better @param peerName default: nginx
 */
export function versus(
  name: string,
  [ours, peer]: readonly [number, number],
  { unit, less = false, peerName = 'nginx' }: { unit: string; less?: boolean; peerName?: string },
): Result {
  return { name, ours, peer, peerName, unit, ratio: less ? peer / ours : ours / peer };
}

/** A line of what should not be at all: its ratio is 1 where ours has no more of it, else 0. */
export function noMore(name: string, [ours, peer]: readonly [number, number]): Result {
  return { name, ours, peer, peerName: 'nginx', unit: '1', ratio: ours <= peer ? 1 : 0 };
}
