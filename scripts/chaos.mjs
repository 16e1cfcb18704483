/**
 * `npm run chaos [-- --seed S --minutes M]`, `npm run soak [-- --minutes M]`: builds
 * the package and the programs of chaos/, and runs them as tests run, invariants checked. See
 * docs/reliability.md.
 */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { build } from './build.mjs';
import { buildTests } from './build-tests.mjs';
import { setup } from './setup.mjs';

// Results go to where it was called.
const out = resolve('chaos-results');
const [first, ...rest] = process.argv.slice(2);
const [program, options] =
  first === 'soak' ? ['soak', ['--out', out, ...rest]] : ['main', process.argv.slice(2)];

setup();
await build();
const built = buildTests();
const { status } = spawnSync(process.execPath, ['--enable-source-maps', `chaos/${program}.js`, ...options], {
  cwd: built,
  stdio: 'inherit',
  env: { ...process.env, IOLITE_CHECK: '1' },
});
process.exit(status ?? 1);
