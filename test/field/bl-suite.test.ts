import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Folder } from '../support/folder.ts';
import { watchdog } from '../support/watchdog.ts';

const THEIRS = fileURLToPath(new URL('test/', import.meta.resolve('bl')));

/** Runs a test file of bl's with iolite/bl in bl's place. @returns the report in TAP */
async function run(file: string): Promise<{ code: number; report: string }> {
  using files = new Folder();
  const preload = new URL('../bl/support/as-bl.ts', import.meta.url).href;
  const child = spawn(process.execPath, ['--import', preload, '--test-reporter=tap', join(THEIRS, file)], {
    env: { ...process.env, TMPDIR: files.path, NODE_TEST_CONTEXT: undefined },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [report, [code]] = await watchdog(
      Promise.all([text(child.stdout), once(child, 'exit')]),
      file,
      60_000,
    );
    return { code, report };
  } finally {
    child.kill('SIGKILL');
  }
}

for (const [file, count] of [
  ['test.js', 71],
  ['verify-types.js', 3],
] as const) {
  test(`iolite/bl passes the tests of bl itself: ${file}`, async () => {
    const { code, report } = await run(file);
    assert.equal(code, 0, report);
    assert.match(
      report,
      new RegExp(`^# pass ${count}\n# fail 0\n# cancelled 0\n# skipped 0\n# todo 0$`, 'm'),
    );
  });
}
