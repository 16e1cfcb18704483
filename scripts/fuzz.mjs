/** `npm run fuzz -- options`: builds what is fuzzed, and runs fuzz/main.ts. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildTests } from './build-tests.mjs';

const main = join(buildTests(), 'fuzz', 'main.js');
const { status } = spawnSync(process.execPath, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(status ?? 1);
