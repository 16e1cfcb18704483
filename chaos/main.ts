/**
 * `npm run chaos [-- --seed S --minutes M]`: processes that share memory are killed and stopped at random
 * while they work. Ends with 0 if no byte was wrong, nobody got stuck, and nothing was left.
 */
import { parseArgs } from 'node:util';
import { Run } from './run.ts';
import { drawScript } from './script.ts';
import { Stage } from './stage.ts';
import { summaryOf } from './summary.ts';

const MAX_TOLD_FINDINGS = 100;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: `${process.pid}` },
    minutes: { type: 'string', default: '2' },
    pace: { type: 'string', default: '400' },
    domains: { type: 'string', default: '7' },
    readers: { type: 'string', default: '4' },
    clients: { type: 'string', default: '2' },
    machines: { type: 'string', default: '2' },
  },
});
const seed = Number(values.seed);
const options = {
  length: Number(values.minutes) * 60_000,
  pace: Number(values.pace),
  domains: Number(values.domains),
  readers: Number(values.readers),
  clients: Number(values.clients),
  machines: Number(values.machines),
};
if ([seed, ...Object.values(options)].some(number => !Number.isFinite(number))) {
  const counts = '--domains N --readers N --clients N --machines N';
  console.error(`Numbers are wanted: --seed S --minutes M --pace MILLISECONDS ${counts}`);
  process.exit(2);
}
const stage = await Stage.open({ seed, servers: options.clients > 0, hardships: true });
for (const reason of stage.reasons) console.log(reason);
process.once('exit', () => stage[Symbol.dispose]());
const script = drawScript(stage.plan, options);
console.log(`Seed ${seed}: ${script.faults.length} faults in ${values.minutes} minutes`);
const run = new Run(script, stage, name =>
  console.log(`${(performance.now() / 1000).toFixed(1).padStart(7)} s  ${name}`),
);
stage.processes = () => run.cast.allPids();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void run.cast.end().then(() => process.exit(1)));
await run.play();
console.log(summaryOf(run));
if (run.cast.findings.length > 0) {
  console.log(`The timeline of seed ${seed}, of which the same command replays the same faults:`);
  for (const line of run.done) console.log(`  ${line}`);
  for (const { kind, who, what, at } of run.cast.findings.slice(0, MAX_TOLD_FINDINGS))
    console.log(`${at.toFixed(3)} s: ${kind}: ${who}: ${what}`);
}
process.exit(run.cast.findings.length > 0 ? 1 : 0);
