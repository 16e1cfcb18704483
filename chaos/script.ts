import { fileURLToPath } from 'node:url';
import type { Part } from './actor.ts';
import { FILE_OWNER } from './actors/file-reads.ts';
import { Draw } from './draw.ts';
import { FILES, type StagePlan } from './stage.ts';
import { drawTimeline, type Fault, type Target } from './timeline.ts';
import { allDomains, type DomainPlan, drawDomains } from './topology.ts';

/** What is to be run. */
export interface RunOptions {
  /** For how long faults befall it, in milliseconds. */
  readonly length: number;
  /** The mean time between two faults, in milliseconds. */
  readonly pace: number;
  readonly domains: number;
  readonly readers: number;
}

/** All that follows from a seed: who takes part, and what befalls whom. */
export interface Script {
  readonly parts: readonly Part[];
  readonly faults: readonly Fault[];
}

const DEADLY = { kill: 10, 'kill stopped': 2, stop: 3 };

const programOf = (name: string): string =>
  fileURLToPath(new URL(`./actors/${name}.${import.meta.url.split('.').at(-1)}`, import.meta.url));

/** Draws a run. The same for the same options, but for where it takes place. */
export function drawScript(stage: StagePlan, { length, pace, domains, readers }: RunOptions): Script {
  const draw = new Draw(stage.seed);
  const plans = drawDomains(draw, domains);
  const parts = [...plans.map(plan => domainPart(stage, plan)), ...readerParts(stage, readers)];
  const targets = parts.flatMap(part => [
    { name: part.name, faults: { ...DEADLY, hoard: 1 } },
    ...part.brings.map((name): Target => ({ name, faults: { ...DEADLY, hoard: 1 } })),
  ]);
  for (let index = 0; index < FILES; index++)
    targets.push({ name: `${index}`, weight: 0.2, faults: { exchange: 1 } } as never);
  return { parts, faults: drawTimeline(draw, targets, { length, pace }) };
}

function domainPart({ run, seed }: StagePlan, plan: DomainPlan): Part {
  return {
    name: plan.name,
    program: programOf('domain'),
    args: life => [JSON.stringify(plan), run, `${seed}`, `${life}`],
    brings: allDomains(plan.forks).map(({ name }) => name),
    speaks: true,
  };
}

/** The owner of a cache of files, and those who read them. */
function readerParts(stage: StagePlan, count: number): Part[] {
  const plan = JSON.stringify(stage);
  if (count === 0) return [];
  return [
    {
      name: FILE_OWNER,
      program: programOf('file-owner'),
      args: () => [plan, FILE_OWNER],
      brings: [],
      speaks: true,
    },
    ...Array.from({ length: count }, (_, number) => ({
      name: `r${number}`,
      program: programOf('reader'),
      args: (life: number) => [plan, `r${number}`, `${number}`, `${count}`, `${life}`],
      brings: [],
      speaks: true,
    })),
  ];
}
