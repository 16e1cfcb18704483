/**
 * `npm test [-- filter ...]`: runs the test files, or those whose path contains one of the filters. Options
 * (`--test-name-pattern=...`) go to Node's test runner.
 *
 * Those in test/field install packages, start browsers and other versions of Node, and compile every example:
 * they take minutes, and run where a filter names that folder (`npm run test:field`).
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';
import { buildTests } from './build-tests.mjs';
import { setup } from './setup.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FIELD = join('test', 'field', '/');
/** Milliseconds that a test may take: one that installs packages has to wait for others. */
const TIMEOUT = { here: 120_000, field: 600_000 };

setup();
await build();
const built = buildTests();

const given = process.argv.slice(2);
const options = given.filter(argument => argument.startsWith('-'));
const filters = given.filter(argument => !argument.startsWith('-'));
const isField = filters.some(filter => filter.includes('field'));
const files = readdirSync(join(ROOT, 'test'), { recursive: true })
  .filter(file => file.endsWith('.test.ts'))
  .map(file => join('test', file))
  .filter(file => file.startsWith(FIELD) === isField)
  .filter(file => filters.length === 0 || filters.some(filter => file.includes(filter)))
  .map(file => file.replace(/\.ts$/, '.js'))
  .sort();
if (files.length === 0) {
  console.error(`No test file's path contains ${filters.join(' or ')}`);
  process.exit(1);
}
const { status } = spawnSync(
  process.execPath,
  [
    '--enable-source-maps',
    '--expose-gc',
    '--test',
    '--test-reporter=spec',
    '--test-concurrency=2',
    `--test-timeout=${isField ? TIMEOUT.field : TIMEOUT.here}`,
    ...options,
    ...files,
  ],
  // Invariants are checked in tests, and in the processes that they start.
  { cwd: built, stdio: 'inherit', env: { ...process.env, IOLITE_CHECK: '1' } },
);
process.exit(status ?? 1);
