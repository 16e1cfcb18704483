import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from '../support/root.ts';

test("the README's example runs as it stands, against the built package", async context => {
  // Inside of the package, so that it can be imported by its name.
  const folder = mkdtempSync(join(ROOT, 'dist', 'example-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/```ts\n\/\/ (\w+)\.ts\n(.*?)```/gs)];
  assert.deepEqual(
    blocks.map(([, name]) => name),
    ['parent', 'child'],
  );
  for (const [, name, code = ''] of blocks) {
    writeFileSync(join(folder, `${name}.ts`), code.replace("'./child.js'", "'./child.ts'"));
  }
  const args = ['--import', 'tsx', join(folder, 'parent.ts')];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000, cwd: ROOT });
  assert.equal(stdout, '67108864\n');
});
