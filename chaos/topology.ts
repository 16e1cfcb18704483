import type { PoolKind } from '../src/memory/pool-options.ts';
import type { Draw } from './draw.ts';

/** A domain that makes payloads, passes them on, or only takes them, over channels. */
export interface DomainPlan {
  readonly role: 'domain';
  readonly name: string;
  /** Other domains that it connects to. */
  readonly targets: readonly string[];
  /** Domains that it forks, each of which talks with it alone. */
  readonly forks: readonly DomainPlan[];
  readonly kind: PoolKind;
  /** Of its pool, in bytes. */
  readonly limit: number;
  /** Of its payloads, in bytes: the longest. */
  readonly longest: number;
  /** The mean pause between two payloads on one of its channels, in milliseconds; 0: it makes none. */
  readonly pause: number;
  /** How much of what it takes it passes on. */
  readonly forwards: number;
  /** How long it holds a payload at most, before it looks at it again, in milliseconds. */
  readonly holds: number;
  readonly onWrite: 'fault' | 'copy';
}

const MiB = 1024 ** 2;
const MAX_TARGETS = 3;

/** Draws domains and who connects to whom: a graph that may have circles. */
export function drawDomains(draw: Draw, count: number): DomainPlan[] {
  const names = Array.from({ length: count }, (_, index) => `d${index}`);
  return names.map(name => {
    const others = names.filter(other => other !== name);
    const targets = new Set<string>();
    const most = Math.min(MAX_TARGETS, others.length);
    for (let left = draw.integer(Math.min(1, most), most); left > 0; left--) targets.add(draw.pick(others));
    const forks = Array.from({ length: draw.chance(0.4) ? draw.integer(1, 2) : 0 }, (_, index) =>
      drawDomain(draw, `${name}.${index}`, [], []),
    );
    return drawDomain(draw, name, [...targets], forks);
  });
}

function drawDomain(
  draw: Draw,
  name: string,
  targets: readonly string[],
  forks: readonly DomainPlan[],
): DomainPlan {
  return {
    role: 'domain',
    name,
    targets,
    forks,
    kind: draw.weighted({ recycle: 6, protect: 2, seal: 2 }),
    limit: draw.integer(8, 24) * MiB,
    longest: draw.size(4096, 2 * MiB),
    pause: draw.chance(0.7) ? draw.integer(5, 60) : 0,
    forwards: draw.pick([0, 0.2, 0.5]),
    holds: draw.integer(1, 400),
    onWrite: draw.pick(['fault', 'fault', 'copy']),
  };
}

/** All domains of a topology, those that are forked included. */
export function allDomains(plans: readonly DomainPlan[]): DomainPlan[] {
  return plans.flatMap(plan => [plan, ...allDomains(plan.forks)]);
}
