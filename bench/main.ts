/** `npm run bench [-- name ...]`: runs the benchmarks named, or all, each in a process of its own. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const available = readdirSync(new URL('.', import.meta.url))
  .filter(file => file.endsWith('.bench.ts'))
  .map(file => file.replace('.bench.ts', ''));
const wanted = process.argv.slice(2);
const unknown = wanted.filter(name => !available.includes(name));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}. There are: ${available.join(', ')}`);
  process.exit(2);
}
for (const name of wanted.length > 0 ? wanted : available) {
  console.log(`\n${name}`);
  const path = fileURLToPath(new URL(`${name}.bench.ts`, import.meta.url));
  const { status } = spawnSync(process.execPath, [...process.execArgv, path], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
