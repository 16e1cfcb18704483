/**
 * Reads a file that changes, where the system has no watches left: a user's inotify instances are used up.
 * Tells how many directories are watched, how many changes were seen, how many of them too late, and how
 * often the owner was asked for a file that did not change.
 */
import { mkdtempSync, watch, writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { now } from '../../../src/base/clock.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';

const MAX_STALE_MS = 100;
const CHANGES = 5;
/** Far more than a user has. */
const MAX_INSTANCES = 4096;

/** Each thread has an instance of its own. */
async function exhaust(): Promise<Worker[]> {
  const program = `
    const { parentPort } = require('node:worker_threads');
    let canWatch = true;
    try { require('node:fs').watch('/'); } catch { canWatch = false; }
    parentPort.postMessage(canWatch);`;
  const workers: Worker[] = [];
  while (workers.length < MAX_INSTANCES) {
    const worker = new Worker(program, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 8 } });
    workers.push(worker);
    if (!(await new Promise(resolve => worker.once('message', resolve)))) break;
  }
  return workers;
}

const workers = await exhaust();
let canWatch = true;
try {
  watch('/').close();
} catch {
  canWatch = false;
}
if (canWatch) throw new Error('there are watches still');
const folder = mkdtempSync('/tmp/iolite-no-watches-');
const path = `${folder}/file`;
const cache = createFileCache({ budget: 1024 ** 2, maxStale: MAX_STALE_MS });
let changes = 0;
let late = 0;
for (let version = 0; version < CHANGES; version++) {
  writeFileSync(path, `version ${version}`);
  const changedAt = now();
  for (;;) {
    const readAt = now();
    using hit = cache.peek(path);
    let text = hit?.content?.toString();
    if (text === undefined) {
      using content = await cache.read(path);
      text = content.toString();
    }
    if (text === `version ${version}`) break;
    // The clock of a hit lags by some milliseconds.
    if (readAt - changedAt > MAX_STALE_MS + 50) late += 1;
    await setImmediate();
  }
  changes += 1;
}
const { misses: before } = cache.stats();
for (const end = now() + 5 * MAX_STALE_MS; now() < end; await setImmediate())
  (await cache.read(path)).release();
const { watched, misses } = cache.stats();
process.stdout.write(JSON.stringify({ watched, changes, late, misses: misses - before }));
for (const worker of workers) void worker.terminate();
process.exit();
