/**
 * `npm run bench [-- name ...]`: compiles the benchmarks and the sources as users get them, and runs those
 * named, or all. A loader that transpiles on the fly would measure its own output instead: it lowers private
 * fields.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';
import { setup } from './setup.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

function node(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

setup();
await build();
node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.bench.json');
node('--expose-gc', 'dist-bench/bench/main.js', ...process.argv.slice(2));
