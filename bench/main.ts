/** Runs the benchmarks named, or all, each in a process of its own. See scripts/bench.mjs. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const available = readdirSync(new URL('.', import.meta.url))
  .filter(file => file.endsWith('.bench.js'))
  .map(file => file.replace('.bench.js', ''));
const wanted = process.argv.slice(2);
/** `aggregate` stands for `aggregate-flat` and the like as well. */
const named = (name: string): string[] =>
  available.filter(other => other === name || other.startsWith(`${name}-`));
const unknown = wanted.filter(name => named(name).length === 0);
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}. There are: ${available.join(', ')}`);
  process.exit(2);
}
for (const name of wanted.length > 0 ? wanted.flatMap(named) : available) {
  console.log(`\n${name}`);
  const path = fileURLToPath(new URL(`${name}.bench.js`, import.meta.url));
  const { status } = spawnSync(process.execPath, [...process.execArgv, path], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
