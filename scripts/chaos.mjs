/**
 * `npm run chaos [-- --seed S --minutes M]`: builds the package and the programs of chaos/, and runs them as
 * tests run, invariants checked. See docs/reliability.md.
 */
import { spawnSync } from 'node:child_process';
import { build } from './build.mjs';
import { buildTests } from './build-tests.mjs';
import { setup } from './setup.mjs';

setup();
await build();
const built = buildTests();
const { status } = spawnSync(
  process.execPath,
  ['--enable-source-maps', 'chaos/main.js', ...process.argv.slice(2)],
  { cwd: built, stdio: 'inherit', env: { ...process.env, IOLITE_CHECK: '1' } },
);
process.exit(status ?? 1);
