/**
 * Compiles src/ to dist/, if anything is newer there, and bundles the command line: a tool of a few
 * milliseconds' work is not to load a hundred modules one by one. Says nothing when there is nothing to do.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const STAMP = join(ROOT, 'dist/.built');
const INPUTS = ['src', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];

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
export function build() {
  const built = statSync(STAMP, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (INPUTS.every(input => newest(join(ROOT, input)) <= built)) return;
  const started = new Date();
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
  bundle(join(ROOT, 'dist/cli/main.js'));
  writeFileSync(STAMP, `${started.toISOString()}\n`);
}

/** Bundles a module of dist/ in place, with what it imports on demand beside it. */
function bundle(entry) {
  // Not there before the first installation.
  const esbuild = createRequire(import.meta.url)('esbuild');
  esbuild.buildSync({
    entryPoints: [entry],
    outdir: dirname(entry),
    chunkNames: '[name]-[hash]',
    allowOverwrite: true,
    bundle: true,
    splitting: true,
    packages: 'external',
    // The server runs for long, and its processes find their modules beside those of the library.
    external: ['./serve/serve-command.js'],
    format: 'esm',
    platform: 'node',
    target: 'node20',
    minify: true,
    logLevel: 'warning',
  });
  chmodSync(entry, 0o755);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build();
