/**
 * What it costs to import entries of the built package: CPU of the whole process above that of bare Node.js,
 * in milliseconds. Peers are what one would import instead.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Result, report } from './harness.ts';
import { inTurns, isWanted, middle, versus } from './turns.ts';

const ROUNDS = 10;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Of a process that imports a module, or nothing. */
function cpuMs(module: string | undefined): { ms: number } {
  const load = module === undefined ? '' : `await import('${module}');`;
  const tell = `const { userCPUTime, systemCPUTime } = process.resourceUsage();
    console.log((userCPUTime + systemCPUTime) / 1000);`;
  const program = `${load}process.on('exit', () => { ${tell} });`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (stdout === '') throw new Error(stderr);
  return { ms: Number(stdout) };
}

async function compareImports(name: string, ours: string, peerName: string): Promise<Result> {
  const sides = [undefined, ours, peerName];
  const measured = await inTurns(sides, async module => cpuMs(module), ROUNDS);
  const [bare = 0, own = 0, peer = 0] = measured.map(all => middle(all, 'ms'));
  return versus(name, [own - bare, peer - bare], { unit: 'ms CPU', less: true, peerName });
}

const results: Result[] = [];
for (const [ours, peer] of [
  ['iolite', 'express'],
  ['iolite/bl', 'bl'],
] as const) {
  const name = `import ${ours}`;
  if (isWanted(name)) results.push(await compareImports(name, ours, peer));
}
report('start', results);
