/**
 * Compiles src/ to dist/, if anything is newer there, and bundles it. Says nothing when there is nothing to
 * do.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const STAMP = join(ROOT, 'dist/.built');
const INPUTS = [
  'src',
  'scripts/bundle.mjs',
  'scripts/inspector-page.mjs',
  'tsconfig.json',
  'tsconfig.build.json',
  'package.json',
  'package-lock.json',
];

function newest(path) {
  const { mtimeMs, isDirectory } = describeEntry(path);
  if (!isDirectory) return mtimeMs;
  return Math.max(mtimeMs, ...readdirSync(path).map(name => newest(join(path, name))));
}

function describeEntry(path) {
  const stats = statSync(path);
  return { mtimeMs: stats.mtimeMs, isDirectory: stats.isDirectory() };
}

/** Ends the process when the compiler finds fault. */
export async function build() {
  const built = statSync(STAMP, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (INPUTS.every(input => newest(join(ROOT, input)) <= built)) return;
  const started = new Date();
  console.error('Compiling src/ (once after each change, half a minute) ...');
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
  copyCommonJs(join(ROOT, 'src'), join(ROOT, 'dist'));
  await bundle(join(ROOT, 'dist'), entriesOf(readFileSync(join(ROOT, 'package.json'), 'utf8')));
  chmodSync(join(ROOT, 'dist/cli/main.js'), 0o755);
  writeFileSync(STAMP, `${started.toISOString()}\n`);
}

/** Entries for `require()`, and their types: the compiler has no part in them. */
function copyCommonJs(from, to) {
  for (const path of readdirSync(from, { recursive: true })) {
    if (/\.(?:cjs|d\.cts)$/.test(path)) copyFileSync(join(from, path), join(to, path));
  }
}

/** Paths of the package's entries in dist/, without extension. */
function entriesOf(manifest) {
  return Object.values(JSON.parse(manifest).exports)
    .filter(entry => typeof entry === 'object')
    .map(entry => entry.default.replace(/^\.\/dist\/(.*)\.js$/, '$1'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
