/**
 * Installs the dependencies, if they are missing or older than the lock file. Runs before anything is
 * installed, so it uses Node's own modules only. Says nothing when there is nothing to do.
 */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

function modified(path) {
  return statSync(new URL(`../${path}`, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Ends the process when it cannot install: nothing after it could work. */
export function setup() {
  // npm writes this file last.
  if (modified('node_modules/.package-lock.json') >= modified('package-lock.json')) return;
  console.error('Installing dependencies with npm (once, some 200 packages: a minute or so) ...');
  const { status, error } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: ROOT,
    stdio: ['ignore', process.stderr, process.stderr],
  });
  if (status === 0) return;
  console.error(`Cannot install dependencies: npm ci ${error?.message ?? `ended with status ${status}`}`);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setup();
