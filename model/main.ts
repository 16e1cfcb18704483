/**
 * `npm run model [-- name]`: checks the protocol of sharing in all worlds of worlds.ts, or those whose name
 * contains what is given (the large ones only then), and that each broken variant of it is caught. See docs/model.md.
 */
import { check, type Findings } from './checker.ts';
import type { Broken, World } from './layout.ts';
import { Sharing } from './sharing.ts';
import { BROKEN, LARGE_WORLDS, WORLDS } from './worlds.ts';

function tell(name: string, { states, steps, depth, failure }: Findings, seconds: number): void {
  const figures = [states, steps, depth].map(count => count.toLocaleString('en').padStart(12)).join('');
  console.log(`${name.padEnd(40)}${figures}${seconds.toFixed(1).padStart(8)} s`);
  if (failure === undefined) return;
  console.log(`\n  ${failure.property}: ${failure.what}`);
  for (const [index, step] of failure.trace.entries())
    console.log(`  ${String(index + 1).padStart(4)}  ${step}`);
  console.log();
}

function checkAndTell(name: string, world: World): Findings {
  const before = performance.now();
  const findings = check(new Sharing(world));
  tell(name, findings, (performance.now() - before) / 1000);
  return findings;
}

const [wanted = ''] = process.argv.slice(2);
let wrong = 0;
console.log(
  `${'the protocol'.padEnd(40)}${'states'.padStart(12)}${'steps'.padStart(12)}${'depth'.padStart(12)}`,
);
const worlds = wanted === '' ? WORLDS : { ...WORLDS, ...LARGE_WORLDS };
for (const [name, world] of Object.entries(worlds)) {
  if (!name.includes(wanted)) continue;
  if (checkAndTell(name, world).failure !== undefined) wrong += 1;
}
console.log('\nwhat is broken on purpose has to be caught:');
for (const [broken, name] of Object.entries(BROKEN) as [Broken, keyof typeof WORLDS][]) {
  if (!name.includes(wanted)) continue;
  if (checkAndTell(broken, { ...WORLDS[name], broken }).failure !== undefined) continue;
  console.error(`${broken}: it was not caught`);
  wrong += 1;
}
if (wrong > 0) process.exit(1);
