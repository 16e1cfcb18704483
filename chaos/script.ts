import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Part } from './actor.ts';
import { FILE_OWNER } from './actors/file-reads.ts';
import { Draw } from './draw.ts';
import { certificateOf, diskOf, FILES, type StagePlan, siteOf } from './stage.ts';
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
  readonly clients: number;
  /** Of a cluster, where there is NATS. */
  readonly machines: number;
}

/** All that follows from a seed: who takes part, and what befalls whom. */
export interface Script {
  readonly parts: readonly Part[];
  readonly faults: readonly Fault[];
}

/** What a domain may open: so few that they can be used up. */
const FEW_DESCRIPTORS = 'ulimit -n 1024';
const HARDSHIPS = { hoard: 1.5, exhaust: 1.5 };
const DEADLY = { kill: 10, 'kill stopped': 2, stop: 3 };

/** As it is built, for users have it so. */
const COMMAND = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

const programOf = (name: string): string =>
  fileURLToPath(new URL(`./actors/${name}.${import.meta.url.split('.').at(-1)}`, import.meta.url));

/** Draws a run. The same for the same options, but for where it takes place. */
export function drawScript(
  stage: StagePlan,
  { length, pace, domains, readers, clients, machines }: RunOptions,
): Script {
  const draw = new Draw(stage.seed);
  const plans = drawDomains(draw, domains);
  const servers = stage.ports === undefined ? [] : serverParts(stage);
  const speakers = [
    ...plans.map(plan => domainPart(stage, plan)),
    ...readerParts(stage, readers),
    ...clientParts(stage, servers.length > 0 ? clients : 0),
    ...machineParts(stage, machines),
  ];
  const nats = machines > 0 ? natsParts(stage) : [];
  const parts = [...servers, ...nats, ...speakers];
  const targets: Target[] = [
    ...speakers.flatMap(({ name, brings, prelude }) => {
      const faults = prelude === FEW_DESCRIPTORS ? { ...DEADLY, ...HARDSHIPS } : DEADLY;
      return [name, ...brings].map(each => ({ name: each, faults }));
    }),
    ...servers.flatMap(({ name, brings }) => [
      { name, weight: 0.5, faults: { ...DEADLY, reload: 5 } },
      ...brings.map(child => ({ name: child, faults: DEADLY })),
    ]),
    ...nats.map(({ name }) => ({ name, weight: 0.5, faults: DEADLY })),
    ...Array.from({ length: FILES }, (_, index) => ({
      name: `${index}`,
      weight: 0.2,
      faults: { exchange: 1 },
    })),
    { name: 'site', weight: 0.3, faults: { 'exchange root': 1 } },
    ...(stage.hasSmallDisk === true ? [{ name: 'disk', weight: 0.5, faults: { 'fill disk': 1 } }] : []),
    ...(stage.memoryPrelude === undefined ? [] : [{ name: 'web', weight: 0.3, faults: { squeeze: 1 } }]),
  ];
  return { parts, faults: drawTimeline(draw, targets, { length, pace }) };
}

function domainPart({ run, seed }: StagePlan, plan: DomainPlan): Part {
  return {
    name: plan.name,
    program: programOf('domain'),
    args: life => [JSON.stringify(plan), run, `${seed}`, `${life}`],
    prelude: FEW_DESCRIPTORS,
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
      prelude: FEW_DESCRIPTORS,
      args: (life: number) => [plan, `r${number}`, `${number}`, `${count}`, `${life}`],
      brings: [],
      speaks: true,
    })),
  ];
}

/** A server of files and an application; and one with TLS, which is a proxy in front of it. */
function serverParts(stage: StagePlan): Part[] {
  const { web = 0, edge = 0 } = stage.ports ?? {};
  const { cert, key } = certificateOf(stage);
  const part = (name: string, args: readonly string[], helpers: number): Part => ({
    name,
    program: COMMAND,
    ...(stage.memoryPrelude === undefined || name !== 'web' ? {} : { prelude: stage.memoryPrelude }),
    args: () => ['serve', ...args, '-w', '2', '-b', '16', '--log', join(diskOf(stage), `${name}.log`)],
    brings: Array.from({ length: helpers }, (_, index) => `${name}/${index}`),
    speaks: false,
  });
  return [
    part('web', [siteOf(stage), '-p', `${web}`, '--app', programOf('app'), '--app-workers', '2'], 4),
    part(
      'edge',
      ['--origin', `http://127.0.0.1:${web}`, '-p', `${edge}`, '--tls-cert', cert, '--tls-key', key],
      2,
    ),
  ];
}

function clientParts(stage: StagePlan, count: number): Part[] {
  return Array.from({ length: count }, (_, number) => ({
    name: `c${number}`,
    program: programOf('client'),
    args: (life: number) => [JSON.stringify(stage), `c${number}`, `${life}`],
    brings: [],
    speaks: true,
  }));
}

/** What machines of a cluster agree by. */
function natsParts(stage: StagePlan): Part[] {
  const port = stage.ports?.nats;
  if (port === undefined) return [];
  const store = ['-js', '-sd', join(stage.folder, 'nats')];
  return [
    {
      name: 'nats',
      program: 'nats-server',
      isForeign: true,
      // It says what it does, and that it is ready, where others complain.
      prelude: 'exec 2>&1',
      args: () => ['-a', '127.0.0.1', '-p', `${port}`, ...store],
      brings: [],
      speaks: false,
    },
  ];
}

function machineParts(stage: StagePlan, count: number): Part[] {
  if (stage.ports?.nats === undefined) return [];
  return Array.from({ length: count }, (_, number) => ({
    name: `m${number}`,
    program: programOf('machine'),
    args: (life: number) => [JSON.stringify(stage), `m${number}`, `${number}`, `${count}`, `${life}`],
    brings: [],
    speaks: true,
  }));
}
