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
 * - `reload`: SIGHUP
 * - `hoard`: it lets go of nothing that it takes, until it has lasted: pools fill
 */
type FaultKind = 'kill' | 'kill stopped' | 'stop' | 'hoard' | 'exchange' | 'reload';

/** Which faults may befall whom, and how often in comparison. */
export interface Target {
  readonly name: string;
  /** How often it is struck in comparison with others. Default 1. */
  readonly weight?: number;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
}

/** The longest of each, in milliseconds. */
const LONGEST: Readonly<Record<FaultKind, number>> = {
  kill: 0,
  'kill stopped': 800,
  stop: 3000,
  hoard: 4000,
  exchange: 0,
  reload: 0,
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
      const lasts = Math.floor(draw.size(1, LONGEST[kind] + 1));
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
