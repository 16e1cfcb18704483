/**
 * `npm run soak [-- --minutes M]`: everything under load, with nobody killed, for as long as is asked.
 * Memory, descriptors, mappings and latencies are sampled into a table and a picture. Ends with 0 if nothing
 * grows.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { viewOf } from './audit/process-view.ts';
import { percentileOf } from './latencies.ts';
import { Run } from './run.ts';
import { drawScript } from './script.ts';
import { type Curve, csvOf, svgOf } from './soak/curves.ts';
import { growing } from './soak/growth.ts';
import { warm } from './soak/warming.ts';
import { FILES, Stage } from './stage.ts';
import { summaryOf } from './summary.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '60' },
    out: { type: 'string', default: 'chaos-results' },
  },
});
/** So many samples, whatever the time is. */
const SAMPLES = 120;
const WARM_UP_PART = 0.3;
/** Different questions of the warm-up: more than anything remembers. */
const WARM_UP_QUESTIONS = 150_000;
const MiB = 1024 ** 2;
/** Growth in all the time that counts for nothing. */
const SLACK = { 'memory MiB': 24, descriptors: 12, mappings: 24 } as const;

// What is never used again is no growth. For all that are started from here on.
const collecting = `--import=${new URL('soak/collecting.js', import.meta.url)}`;
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} ${collecting}`.trim();
const stage = await Stage.open({ seed: Number(values.seed), servers: true });
process.once('exit', () => stage[Symbol.dispose]());
const script = drawScript(stage.plan, {
  length: 0,
  pace: 1,
  domains: 4,
  readers: 3,
  clients: 2,
  machines: 2,
});
const curves = new Map<string, number[]>();
let known = new Map<string, number>();

const run = new Run(script, stage, console.log);
stage.processes = () => run.cast.allPids();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void run.cast.end().then(() => process.exit(1)));
await run.play(async () => {
  const start = performance.now();
  await warm(stage.plan, WARM_UP_QUESTIONS);
  console.log(`warmed up in ${Math.round((performance.now() - start) / 1000)} s`);
  const pause = (Number(values.minutes) * 60_000) / SAMPLES;
  for (let sample = 0; sample < SAMPLES; sample++) {
    await setTimeout(pause);
    stage.exchange(sample % FILES);
    for (const [name, value] of Object.entries(measure(pause)))
      curves.set(name, [...(curves.get(name) ?? []), value]);
  }
});
report();

/** Everything, of all processes together, and since the last time. */
function measure(pause: number): Record<string, number> {
  const views = run.cast.allPids().flatMap(pid => viewOf(pid) ?? []);
  const sum = (of: (view: (typeof views)[number]) => number): number =>
    views.reduce((total, view) => total + of(view), 0);
  const counts = new Map(run.cast.tally.family('latency:'));
  const fresh = new Map([...counts].map(([name, count]) => [Number(name), count - (known.get(name) ?? 0)]));
  known = counts;
  const requests = [...fresh.values()].reduce((total, count) => total + count, 0);
  return {
    'memory MiB': Math.round(sum(({ proportionalBytes }) => proportionalBytes) / MiB),
    descriptors: sum(({ descriptors }) => descriptors),
    mappings: sum(({ mappings }) => mappings.length),
    'median ms': percentileOf(fresh, 0.5),
    '99th percentile ms': percentileOf(fresh, 0.99),
    'requests a second': Math.round((1000 * requests) / pause),
  };
}

function report(): never {
  const all: Curve[] = [...curves].map(([name, values]) => ({ name, values }));
  mkdirSync(values.out, { recursive: true });
  writeFileSync(join(values.out, 'soak.csv'), csvOf(all));
  writeFileSync(join(values.out, 'soak.svg'), svgOf(all));
  console.log(summaryOf(run));
  const series = Object.entries(SLACK).map(([name, slack]) => ({
    name,
    slack,
    values: curves.get(name) ?? [],
    driver: name === 'memory MiB' ? curves.get('requests a second') : undefined,
  }));
  const grown = growing(series, WARM_UP_PART);
  for (const line of grown) console.log(`growth: ${line}`);
  for (const { kind, who, what } of run.cast.findings) console.log(`${kind}: ${who}: ${what}`);
  console.log(grown.length === 0 ? `Nothing grows: ${values.out}/soak.svg` : 'Something grows');
  process.exit(grown.length + run.cast.findings.length > 0 ? 1 : 0);
}
