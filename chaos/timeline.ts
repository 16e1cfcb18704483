import type { Draw } from './draw.ts';

/** Something that is done to a process, or to what it works with. */
export interface Fault {
  /** Milliseconds after the beginning. */
  readonly at: number;
  readonly kind: FaultKind;
  /** Whom it befalls, by name. */
  readonly target: string;
  /** How long it lasts, in milliseconds, where it does. */
  readonly lasts: number;
}

/**
 * - `kill`: SIGKILL
 * - `kill stopped`: SIGSTOP, and SIGKILL when it has lasted
 * - `stop`: SIGSTOP, and SIGCONT when it has lasted
 * - `exchange`: a file gets another content; its number is the target
 * - `exchange root`: the directory that is served gets another one in its place, with other content
 * - `reload`: SIGHUP
 * - `hoard`: it fills its pool, and lets go of nothing that it takes, until it has lasted
 * - `exhaust`: it opens as many descriptors as it may, and closes them when it has lasted
 * - `fill disk`: no disk space is left for files that are saved, and logs, until it has lasted
 * - `squeeze`: the memory limit of a server is lowered for as long as it lasts
 */
export type FaultKind =
  | 'kill'
  | 'kill stopped'
  | 'stop'
  | 'hoard'
  | 'exhaust'
  | 'exchange'
  | 'exchange root'
  | 'reload'
  | 'fill disk'
  | 'squeeze';

/** Which faults may befall whom, and how often in comparison. */
export interface Target {
  readonly name: string;
  /** How often it is struck in comparison with others. Default 1. */
  readonly weight?: number;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
}

/** How long each lasts, at least and at most, in milliseconds. */
const LENGTHS: Readonly<Record<FaultKind, readonly [number, number]>> = {
  kill: [1, 1],
  'kill stopped': [1, 800],
  stop: [1, 3000],
  hoard: [500, 5000],
  exhaust: [100, 3000],
  exchange: [1, 1],
  'exchange root': [1, 1],
  reload: [1, 1],
  'fill disk': [500, 5000],
  squeeze: [2000, 6000],
};
/** How many are struck in the same instant at most. */
const MAX_STRUCK_TARGETS = 3;

/**
 * Draws what happens when, and to whom.
 * @param length of all, in milliseconds
 * @param pace the mean time between two faults, in milliseconds
 */
export function drawTimeline(
  draw: Draw,
  targets: readonly Target[],
  { length, pace }: { readonly length: number; readonly pace: number },
): Fault[] {
  const faults: Fault[] = [];
  const weights = Object.fromEntries(targets.map(({ name, weight = 1 }) => [name, weight]));
  const faultsOf = new Map(targets.map(({ name, faults }) => [name, faults]));
  for (let at = draw.wait(pace); at < length; at += draw.wait(pace)) {
    const struck = new Set<string>();
    for (let left = draw.chance(0.15) ? draw.integer(2, MAX_STRUCK_TARGETS) : 1; left > 0; left--) {
      const target = draw.weighted(weights);
      const kind = draw.weighted(faultsOf.get(target) as Record<FaultKind, number>);
      const [least, most] = LENGTHS[kind];
      const lasts = Math.floor(draw.size(least, most + 1));
      if (struck.has(target)) continue;
      struck.add(target);
      faults.push({ at: Math.floor(at), kind, target, lasts });
    }
  }
  return faults;
}

/** A fault as a line. */
export function faultText({ at, kind, target, lasts }: Fault): string {
  return `${(at / 1000).toFixed(3)} s: ${kind} ${target}${lasts > 1 ? ` for ${lasts} ms` : ''}`;
}
