/**
 * The tools in pipelines: through pipes that upgrade at once, or after as many bytes as they do by themselves
 * where that is said, against the same tools through ordinary pipes, and against their namesakes of the
 * system for orientation. Start-up of all processes included. Each end of a pipeline has a processor of its
 * own, as it would on a machine that is not full: the scheduler would place some together and others not.
 * Runs the tools as they are installed: builds them.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Comparison, compare, report } from './harness.ts';

/** This runs from dist-bench/bench/. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const IOLITE = `'${process.execPath}' '${join(ROOT, 'dist/cli/main.js')}'`;
/** Ten words of eight characters: 10! permutations of 80 bytes are 290 MB. */
const WORDS = Array.from({ length: 10 }, (_, i) => `word-${i}  `).join('');
const ROUNDS = 2;

spawnSync(process.execPath, ['scripts/build.mjs'], { cwd: ROOT, stdio: 'inherit' });
const folder = mkdtempSync(join(tmpdir(), 'iolite-bench-'));

/** Lines of text; one in a thousand has the word that is looked for. */
function makeFile(name: string, size: number): string {
  const lines: string[] = [];
  for (let i = 0; i < 20_000; i++) {
    lines.push(
      `${i} the quick brown fox ${'jumps over '.repeat(i % 7)}the ${i % 1000 === 7 ? 'zebra' : 'lazy dog'}`,
    );
  }
  const block = Buffer.from(`${lines.join('\n')}\n`);
  const path = join(folder, name);
  const fd = openSync(path, 'w');
  for (let left = size; left > 0; left -= block.length) writeSync(fd, block, 0, Math.min(left, block.length));
  closeSync(fd);
  return path;
}

/** What IOLITE_PIPES says; 'late' is what the tools do when it says nothing. */
type Pipes = 'eager' | 'late' | 'ordinary';

async function run(script: string, pipes: Pipes): Promise<void> {
  const env = { ...process.env, IOLITE_PIPES: pipes === 'late' ? '' : pipes, LC_ALL: 'C' };
  const bash = spawn('bash', ['-o', 'pipefail', '-c', `${script} > '${folder}/out'`], {
    env,
    stdio: 'inherit',
  });
  const [code] = await once(bash, 'close');
  if (code !== 0) throw new Error(`${script} exited with ${code}`);
}

/** Two commands, each on its own processor (taskset(1), of util-linux). */
function pipeline(writer: string, reader: string): string {
  return `taskset -c 0 ${writer} | taskset -c ${1 % cpus().length} ${reader}`;
}

/**
 * A pipeline, started `times` times, against itself through ordinary pipes and against the system's tools.
 */
function comparisons(name: string, pipes: Pipes, ours: string, system: string, times: number): Comparison[] {
  const measure = (script: string, pipes: Pipes) => async (count: number) => {
    for (let i = 0; i < count; i++) await run(script, pipes);
  };
  const common = {
    name: `${name}, ${pipes}`,
    ours: measure(ours, pipes),
    oursTimes: times,
    peerTimes: times,
  };
  return [
    { ...common, peerName: 'ordinary pipe', peer: measure(ours, 'ordinary') },
    { ...common, peerName: 'coreutils, grep', peer: measure(system, 'ordinary') },
  ];
}

try {
  const small = makeFile('small', 1_750_000);
  const large = makeFile('large', 1_000_000_000);
  const permute = `${IOLITE} permute '${WORDS}' -w 8`;
  const grep = (tool: string, file: string): string => pipeline(`${tool} cat ${file}`, `${tool} grep zebra`);
  const wc = (tool: string, file: string): string => pipeline(`${tool} cat ${file}`, `${tool} wc`);
  const results = await compare(
    [
      ...comparisons(
        'permute | wc, 290 MB',
        'eager',
        pipeline(permute, `${IOLITE} wc`),
        pipeline(permute, 'wc'),
        1,
      ),
      ...(['late', 'eager'] as const).flatMap(pipes => [
        ...comparisons('cat | grep, 1.75 MB', pipes, grep(IOLITE, small), grep('', small), 2),
        ...comparisons('cat | wc, 1.75 MB', pipes, wc(IOLITE, small), wc('', small), 2),
      ]),
      ...comparisons('cat | grep, 1 GB', 'eager', grep(IOLITE, large), grep('', large), 1),
      ...comparisons('cat | wc, 1 GB', 'eager', wc(IOLITE, large), wc('', large), 1),
    ],
    ROUNDS,
  );
  report('apps', results);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
