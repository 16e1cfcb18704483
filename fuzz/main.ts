/**
 * `npm run fuzz -- [--target T] [--minutes M] [--cases N] [--seed S] [--keep]`: fuzzes the targets, in turns,
 * each in a process of its own, so that a crash or a hang is a find too. See docs/fuzzing.md.
 */
import { fork } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { textOf } from './corpus.ts';
import { seedOf } from './random.ts';
import type { Report } from './run-target.ts';
import { TARGETS } from './targets.ts';

/** A process that says nothing for so long hangs. */
const HANG_MS = 30_000;

const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    minutes: { type: 'string', default: '1' },
    cases: { type: 'string', default: 'Infinity' },
    seed: { type: 'string' },
    keep: { type: 'boolean', default: false },
    folder: { type: 'string', default: 'fuzz' },
  },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const names = values.target?.split(',') ?? Object.keys(TARGETS);
const unknown = names.find(name => !(name in TARGETS));
if (unknown !== undefined) {
  console.error(`There is no target ${unknown}, but ${Object.keys(TARGETS).join(', ')}`);
  process.exit(2);
}

/** A process that runs a target, until it is over, dead, or silent for too long. @returns how it failed */
async function run(
  name: string,
  options: object,
  told: (report: Report) => void,
): Promise<string | undefined> {
  const child = fork(join(import.meta.dirname, 'run-target.js'), [name, JSON.stringify(options)], {
    execArgv: ['--no-deprecation', '--enable-source-maps'],
    env: { ...process.env, IOLITE_CHECK: '1' },
  });
  let isHung = false;
  const hang = (): void => {
    isHung = true;
    child.kill('SIGKILL');
  };
  let timer = setTimeout(hang, HANG_MS);
  child.on('message', report => {
    clearTimeout(timer);
    timer = setTimeout(hang, HANG_MS);
    told(report as Report);
  });
  const end = await new Promise<number | string>(ended =>
    child.once('exit', (code, signal) => ended(signal ?? code ?? 'nobody knows what')),
  );
  clearTimeout(timer);
  if (isHung) return 'it hangs';
  return end === 0 ? undefined : `it ends with ${end}`;
}

/** Which case of the batch that was under way a process does not outlive. */
async function blame(name: string, batch: string): Promise<Buffer> {
  let last = 0;
  await run(name, { replay: batch }, ({ cases }) => {
    last = cases;
  });
  const texts: string[] = JSON.parse(readFileSync(batch, 'utf8'));
  return Buffer.from(texts[last] ?? '', 'latin1');
}

function keepFind(name: string, bytes: Buffer, what: string): void {
  const folder = join(values.folder, 'finds');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}-${seedOf(bytes).toString(16)}.txt`);
  writeFileSync(file, `${textOf(bytes)}\n\n${what}\n`);
  console.log(`  ${name}: ${what}\n  ${textOf(bytes).slice(0, 2000)}\n  kept in ${file}`);
}

let finds = 0;
let all = 0;
for (const name of names) {
  const batch = join(values.folder, `under-way-${name}.json`);
  const options = {
    ...{ seed, batch, keep: values.keep, corpus: join(values.folder, 'corpus') },
    ...{ minutes: Number(values.minutes) / names.length, cases: Number(values.cases) },
  };
  let last: Report | undefined;
  const end = await run(name, options, report => {
    last = report;
    for (const { text, what } of report.finds) {
      finds += 1;
      keepFind(name, Buffer.from(text, 'latin1'), what);
    }
  });
  if (end !== undefined) {
    finds += 1;
    keepFind(name, existsSync(batch) ? await blame(name, batch) : Buffer.alloc(0), end);
  }
  rmSync(batch, { force: true });
  const { cases = 0, seconds = 1, characters = 0, corpus = 0 } = last ?? {};
  all += cases;
  const figures = [cases, Math.round(cases / seconds), characters, corpus];
  const columns = figures.map(each => each.toLocaleString('en').padStart(12)).join('');
  console.log(`${name.padEnd(12)}${columns}   cases, a second of a processor, characters run, corpus`);
}
console.log(`${all.toLocaleString('en')} cases with seed ${seed}, ${finds} finds`);
process.exit(finds > 0 ? 1 : 0);
